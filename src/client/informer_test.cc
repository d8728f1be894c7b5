#include "client/informer.h"

#include <deque>
#include <semaphore>

#include <gtest/gtest.h>

#include "base/guarded.h"
#include "client/own_writes.h"
#include "client/reflector.h"
#include "json/yaml.h"

namespace wherry::client {
namespace {

using meta::ObjectPtr;

const meta::Resource kPods{"", "v1", "pods", "Pod", meta::Scope::kNamespaced};

ObjectPtr pod(std::string_view name, int64_t revision, std::string_view node = "boat") {
  return std::make_shared<const meta::Object>(
      json::Object{{"metadata", json::Object{{"namespace", "default"},
                                             {"name", name},
                                             {"uid", std::string("uid-") + std::string(name)},
                                             {"resourceVersion", std::to_string(revision)}}},
                   {"spec", json::Object{{"nodeName", node}}}});
}

// A server that says what the test tells it to: connections that break can't be had from the real one at will.
class ScriptedClient : public Client {
 public:
  struct Script {
    std::deque<ObjectList> lists;
    std::deque<std::variant<WatchEvent, meta::StatusError>> events;
    std::vector<std::string> watchedFrom;
    std::function<void()> wake;
  };

  void say(std::variant<WatchEvent, meta::StatusError> event) {
    auto wake = script_.with([&](Script& script) {
      script.events.push_back(std::move(event));
      return std::exchange(script.wake, nullptr);
    });
    if (wake) wake();
  }
  void willList(std::vector<ObjectPtr> items, int64_t revision) {
    script_.with([&](Script& script) { script.lists.push_back({std::move(items), revision}); });
  }
  std::vector<std::string> watchedFrom() const {
    return script_.with([](const Script& script) { return script.watchedFrom; });
  }

  ObjectList list(const meta::Resource&, std::string_view, const ListOptions&) override {
    return script_.with([](Script& script) {
      ObjectList next = script.lists.front();
      if (script.lists.size() > 1) script.lists.pop_front();
      return next;
    });
  }
  std::unique_ptr<Watch> watch(const meta::Resource&, std::string_view, const ListOptions& options) override {
    script_.with([&](Script& script) { script.watchedFrom.push_back(options.resourceVersion); });
    return std::make_unique<ScriptedWatch>(script_);
  }

  ObjectPtr get(const meta::Resource&, std::string_view, std::string_view) override { return nullptr; }
  ObjectPtr create(const meta::Resource&, std::string_view, const json::Value&, const WriteOptions&) override {
    return nullptr;
  }
  ObjectPtr update(const meta::Resource&, std::string_view, const json::Value&, const WriteOptions&) override {
    return nullptr;
  }
  ObjectPtr patch(const meta::Resource&, std::string_view, std::string_view, PatchType, const json::Value&,
                  const WriteOptions&) override {
    return nullptr;
  }
  void remove(const meta::Resource&, std::string_view, std::string_view, const DeleteOptions&) override {}
  ObjectPtr createSubresource(const meta::Resource&, std::string_view, std::string_view, std::string_view,
                              const json::Value&) override {
    return nullptr;
  }

 private:
  class ScriptedWatch : public Watch {
   public:
    explicit ScriptedWatch(base::Guarded<Script>& script) : script_(script) {}
    std::optional<WatchEvent> next(std::stop_token) override { return std::nullopt; }
    std::optional<WatchEvent> tryNext() override {
      return script_.with([&](Script& script) -> std::optional<WatchEvent> {
        if (script.events.empty()) {
          script.wake = wake_;
          return std::nullopt;
        }
        auto event = std::move(script.events.front());
        script.events.pop_front();
        if (const auto* error = std::get_if<meta::StatusError>(&event)) throw *error;
        return std::get<WatchEvent>(event);
      });
    }
    void onReady(std::function<void()> wake) override { wake_ = std::move(wake); }

   private:
    base::Guarded<Script>& script_;
    std::function<void()> wake_;
  };

  base::Guarded<Script> script_;
};

// The changes a handler was told, as "+web", "~web", "-web", and "synced".
class Told {
 public:
  InformerHandler handler() {
    return {.onChange =
                [this](const ObjectPtr& before, const ObjectPtr& after) {
                  const char* sign = !before ? "+" : !after ? "-" : "~";
                  tell(sign + std::string((after ? after : before)->metadata().name()));
                },
            .onSynced = [this] { tell("synced"); },
            .onRevision = {}};
  }
  std::vector<std::string> take(int count) {
    for (int i = 0; i < count; ++i) said_.acquire();
    return lines_.with([](auto& lines) { return std::exchange(lines, {}); });
  }

 private:
  void tell(std::string line) {
    lines_.with([&](auto& lines) { lines.push_back(std::move(line)); });
    said_.release();
  }
  base::Guarded<std::vector<std::string>> lines_;
  std::counting_semaphore<> said_{0};
};

using Lines = std::vector<std::string>;

TEST(Informer, ListsThenFollows) {
  ScriptedClient client;
  client.willList({pod("web", 3)}, 5);
  Told told;
  InformerFactory informers(client);
  Informer& pods = informers.informer(kPods);
  pods.addHandler(told.handler());
  informers.start();
  EXPECT_EQ(told.take(2), (Lines{"+web", "synced"}));
  client.say(WatchEvent{EventType::kAdded, pod("db", 6), 6});
  client.say(WatchEvent{EventType::kModified, pod("web", 7), 7});
  client.say(WatchEvent{EventType::kDeleted, pod("db", 8), 8});
  EXPECT_EQ(told.take(3), (Lines{"+db", "~web", "-db"}));
  EXPECT_EQ(pods.get("default", "web")->revision(), 7);
  EXPECT_EQ(pods.list().size(), 1u);
  EXPECT_EQ(client.watchedFrom(), (Lines{"5"}));
}

TEST(Informer, After410ListsAgainAndTellsTheDifference) {
  ScriptedClient client;
  client.willList({pod("web", 3), pod("db", 4), pod("same", 2)}, 5);
  client.willList({pod("web", 9), pod("new", 10), pod("same", 2)}, 12);
  Told told;
  InformerFactory informers(client);
  informers.informer(kPods).addHandler(told.handler());
  informers.start();
  told.take(4);
  client.say(meta::expired("too old resource version"));
  EXPECT_EQ(told.take(4), (Lines{"~web", "+new", "-db", "synced"}));
}

TEST(Informer, AfterALostConnectionGoesOnFromTheLastRevision) {
  ScriptedClient client;
  client.willList({}, 5);
  Told told;
  InformerFactory informers(client);
  informers.informer(kPods).addHandler(told.handler());
  informers.start();
  told.take(1);
  client.say(WatchEvent{EventType::kAdded, pod("web", 6), 6});
  client.say(meta::serviceUnavailable("connection reset"));
  client.say(WatchEvent{EventType::kAdded, pod("db", 7), 7});
  EXPECT_EQ(told.take(2), (Lines{"+web", "+db"}));
  EXPECT_EQ(client.watchedFrom(), (Lines{"5", "6"}));
}

TEST(Informer, AHandlerThatComesLateIsToldOfWhatIsThere) {
  ScriptedClient client;
  client.willList({pod("web", 3)}, 5);
  InformerFactory informers(client);
  Informer& pods = informers.informer(kPods);
  informers.start();
  ASSERT_TRUE(informers.waitSynced({}));
  Told told;
  pods.addHandler(told.handler());
  EXPECT_EQ(told.take(2), (Lines{"+web", "synced"}));
  informers.stop();
}

TEST(Informer, AnIndexFollowsTheObject) {
  ScriptedClient client;
  client.willList({pod("web", 3, "boat"), pod("db", 4, "raft")}, 5);
  Told told;
  InformerFactory informers(client);
  Informer& pods = informers.informer(kPods);
  pods.addIndex("node", [](const meta::Object& object) {
    return std::vector<std::string>{std::string(json::getString(object.tree(), "spec.nodeName"))};
  });
  pods.addHandler(told.handler());
  informers.start();
  told.take(3);
  EXPECT_EQ(pods.byIndex("node", "raft").size(), 1u);
  client.say(WatchEvent{EventType::kModified, pod("web", 6, "raft"), 6});
  told.take(1);
  EXPECT_EQ(pods.byIndex("node", "raft").size(), 2u);
  EXPECT_TRUE(pods.byIndex("node", "boat").empty());
}

TEST(OwnWrites, AreVisibleOnceTheInformerHasCaughtUp) {
  ScriptedClient client;
  client.willList({pod("web", 3)}, 5);
  Told told;
  InformerFactory informers(client);
  Informer& pods = informers.informer(kPods);
  pods.addHandler(told.handler());
  informers.start();
  told.take(2);
  OwnWrites writes;
  EXPECT_TRUE(writes.visible("default/rs", pods));
  writes.wrote("default/rs", *pod("db", 6));
  EXPECT_FALSE(writes.visible("default/rs", pods));
  client.say(WatchEvent{EventType::kAdded, pod("db", 6), 6});
  told.take(1);
  EXPECT_TRUE(writes.visible("default/rs", pods));
  writes.removed("default/rs", *pod("db", 6));
  EXPECT_FALSE(writes.visible("default/rs", pods));
  client.say(WatchEvent{EventType::kDeleted, pod("db", 7), 7});
  told.take(1);
  EXPECT_TRUE(writes.visible("default/rs", pods));
}

TEST(ReconnectDelay, GrowsToThirtySeconds) {
  EXPECT_EQ(reconnectDelay(1).count(), 100);
  EXPECT_EQ(reconnectDelay(2).count(), 200);
  EXPECT_EQ(reconnectDelay(50).count(), 30'000);
}

}  // namespace
}  // namespace wherry::client
