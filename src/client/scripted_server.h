// An API server that says what a test tells it to, for tests of who follows informers.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/guarded.h"
#include "client/client.h"
#include "json/yaml.h"

namespace wherry::client {

// One queue of events for each resource; lists are empty.
class ScriptedServer : public Client {
 public:
  void say(const std::string& resource, EventType type, const std::string& manifest, int64_t revision) {
    auto object = std::make_shared<const meta::Object>(json::parseYaml(manifest));
    auto wake = feeds_.with([&](auto& feeds) {
      feeds[resource].events.push_back({type, object, revision});
      return std::exchange(feeds[resource].wake, nullptr);
    });
    if (wake) wake();
  }

  ObjectList list(const meta::Resource&, std::string_view, const ListOptions&) override {
    return {.items = {}, .revision = 1};
  }
  std::unique_ptr<Watch> watch(const meta::Resource& resource, std::string_view, const ListOptions&) override {
    return std::make_unique<FeedWatch>(feeds_, resource.resource);
  }

  meta::ObjectPtr get(const meta::Resource&, std::string_view, std::string_view) override { return nullptr; }
  meta::ObjectPtr create(const meta::Resource&, std::string_view, const json::Value&, const WriteOptions&) override {
    return nullptr;
  }
  meta::ObjectPtr update(const meta::Resource&, std::string_view, const json::Value&, const WriteOptions&) override {
    return nullptr;
  }
  meta::ObjectPtr patch(const meta::Resource&, std::string_view, std::string_view, PatchType, const json::Value&,
                        const WriteOptions&) override {
    return nullptr;
  }
  void remove(const meta::Resource&, std::string_view, std::string_view, const DeleteOptions&) override {}
  meta::ObjectPtr createSubresource(const meta::Resource&, std::string_view, std::string_view, std::string_view,
                                    const json::Value&) override {
    return nullptr;
  }

 private:
  struct Feed {
    std::deque<WatchEvent> events;
    std::function<void()> wake;
  };
  using Feeds = base::Guarded<std::map<std::string, Feed>>;

  class FeedWatch : public Watch {
   public:
    FeedWatch(Feeds& feeds, std::string resource) : feeds_(feeds), resource_(std::move(resource)) {}
    std::optional<WatchEvent> next(std::stop_token) override { return std::nullopt; }
    std::optional<WatchEvent> tryNext() override {
      return feeds_.with([&](auto& feeds) -> std::optional<WatchEvent> {
        Feed& feed = feeds[resource_];
        if (feed.events.empty()) {
          feed.wake = wake_;
          return std::nullopt;
        }
        WatchEvent event = std::move(feed.events.front());
        feed.events.pop_front();
        return event;
      });
    }
    void onReady(std::function<void()> wake) override { wake_ = std::move(wake); }

   private:
    Feeds& feeds_;
    std::string resource_;
    std::function<void()> wake_;
  };

  Feeds feeds_;
};

}  // namespace wherry::client
