#include "client/https_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/guarded.h"
#include "base/metrics_test_support.h"
#include "client/https_watch.h"
#include "client/request_metrics.h"
#include "net/server.h"

namespace wherry::client {
namespace {

using testing::ElementsAre;

const meta::Resource kPods{"", "v1", "pods", "Pod", meta::Scope::kNamespaced};
const meta::Resource kDeployments{"apps", "v1", "deployments", "Deployment", meta::Scope::kNamespaced};

constexpr std::string_view kPod =
    R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"web","namespace":"default","resourceVersion":"7"}})";

// The server's end, scripted: keeps what was asked ("GET /api/v1/pods?x=y [body]") and answers what it was told.
class HttpsClientTest : public testing::Test {
 protected:
  HttpsClientTest() {
    server_ = net::startServer({.address = "127.0.0.1"}, [this](const net::ExchangePtr& exchange) {
      const net::Request& request = exchange->request();
      std::string line = request.method + " " + request.path + (request.query.empty() ? "" : "?" + request.query);
      if (!request.body.empty()) line += " " + std::string(request.headers.get("content-type")) + " " + request.body;
      asked_.with([&](auto& asked) { asked.push_back(line); });
      exchange->respond(net::Response::text(status_, "application/json", body_));
    });
    client_ = newHttpsClient({.server = "http://127.0.0.1:" + std::to_string(server_->port()), .token = "secret"});
  }

  int status_ = 200;
  std::string body_{kPod};
  base::Guarded<std::vector<std::string>> asked_;
  std::unique_ptr<net::Server> server_;
  std::shared_ptr<Client> client_;
};

TEST_F(HttpsClientTest, AsksAsTheApiWantsIt) {
  json::Value pod = json::parse(kPod);
  client_->get(kPods, "default", "web");
  client_->list(kDeployments, "", {.labelSelector = "app in (a,b)"});
  client_->create(kPods, "default", pod, {.fieldManager = "me"});
  client_->update(kPods, "default", pod, {.subresource = "status"});
  client_->patch(kPods, "default", "web", PatchType::kMerge, json::parse("{}"));
  client_->patch(kPods, "default", "web", PatchType::kApply, json::parse("{}"), {.fieldManager = "me", .force = true});
  client_->createSubresource(kPods, "default", "web", "binding", json::parse("{}"));
  client_->remove(kPods, "default", "web",
                  {.gracePeriodSeconds = 0, .uid = "u", .propagation = Propagation::kForeground});
  const std::string body(kPod);
  EXPECT_THAT(
      asked_.copy(),
      ElementsAre(
          "GET /api/v1/namespaces/default/pods/web",
          "GET /apis/apps/v1/deployments?labelSelector=app%20in%20%28a%2Cb%29",
          "POST /api/v1/namespaces/default/pods?fieldManager=me application/json " + body,
          "PUT /api/v1/namespaces/default/pods/web/status application/json " + body,
          "PATCH /api/v1/namespaces/default/pods/web application/merge-patch+json {}",
          "PATCH /api/v1/namespaces/default/pods/web?fieldManager=me&force=true application/apply-patch+yaml {}",
          "POST /api/v1/namespaces/default/pods/web/binding application/json {}",
          R"(DELETE /api/v1/namespaces/default/pods/web application/json {"kind":"DeleteOptions","apiVersion":"v1",)"
          R"("gracePeriodSeconds":0,"propagationPolicy":"Foreground","preconditions":{"uid":"u"}})"));
}

TEST_F(HttpsClientTest, CountsItsRequests) {
  const std::string host = "127.0.0.1:" + std::to_string(server_->port());
  auto count = [&](const std::string& code, const std::string& method) {
    return base::metrics::valueOf(requestFamilies(), "rest_client_requests_total{code=\"" + code + "\",method=\"" +
                                                         method + "\",host=\"" + host + "\"}");
  };
  client_->get(kPods, "default", "web");
  client_->get(kPods, "default", "web");
  status_ = 404;
  EXPECT_THROW(client_->remove(kPods, "default", "web"), meta::StatusError);
  auto watch = client_->watch(kPods, "default", {});
  EXPECT_THROW(watch->next({}), meta::StatusError);
  EXPECT_EQ(count("200", "GET"), 2);
  EXPECT_EQ(count("404", "DELETE"), 1);
  EXPECT_EQ(count("404", "GET"), 1);
  EXPECT_EQ(base::metrics::valueOf(requestFamilies(),
                                   "rest_client_request_duration_seconds_count{verb=\"GET\",host=\"" + host + "\"}"),
            3);
  server_.reset();
  EXPECT_THROW(client_->get(kPods, "default", "web"), meta::StatusError);
  EXPECT_EQ(count("<error>", "GET"), 1);
}

TEST_F(HttpsClientTest, GivesTheItemsOfAListTheirType) {
  body_ =
      R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"42"},"items":[{"metadata":{"name":"a"}}]})";
  ObjectList list = client_->list(kPods, "default", {});
  EXPECT_EQ(list.revision, 42);
  ASSERT_EQ(list.items.size(), 1U);
  EXPECT_EQ(list.items[0]->kind(), "Pod");
  EXPECT_EQ(list.items[0]->apiVersion(), "v1");
  EXPECT_EQ(list.items[0]->metadata().name(), "a");
}

TEST_F(HttpsClientTest, ThrowsWhatTheServerSays) {
  status_ = 404;
  body_ = json::serialize(meta::notFound({"", "pods"}, "web").toJson());
  try {
    client_->get(kPods, "default", "web");
    FAIL() << "found";
  } catch (const meta::StatusError& error) {
    EXPECT_TRUE(error.isNotFound());
    EXPECT_EQ(error.message(), "pods \"web\" not found");
  }
}

TEST_F(HttpsClientTest, AServerThatIsNotThereIs503) {
  server_.reset();
  try {
    client_->get(kPods, "default", "web");
    FAIL() << "found";
  } catch (const meta::StatusError& error) {
    EXPECT_EQ(error.code(), 503);
  }
}

TEST_F(HttpsClientTest, AnAnswerThatIsNoJsonIsAnError) {
  body_ = "<html>";
  EXPECT_THROW(client_->get(kPods, "default", "web"), meta::StatusError);
}

std::string show(const WatchEvent& event) {
  const char* types[] = {"ADDED", "MODIFIED", "DELETED", "BOOKMARK"};
  std::string name = event.object ? std::string(event.object->metadata().name()) : "";
  return std::string(types[static_cast<int>(event.type)]) + " " + name + " " + std::to_string(event.revision);
}

TEST_F(HttpsClientTest, AWatchGivesEventsAndThenWhyItEnded) {
  body_ = R"({"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"8"}}}
{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}}
{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","code":410}}
)";
  auto watch = client_->watch(kPods, "", {.resourceVersion = "7"});
  EXPECT_EQ(show(*watch->next({})), "ADDED a 8");
  EXPECT_EQ(show(*watch->next({})), "BOOKMARK  9");
  try {
    watch->next({});
    FAIL() << "a third event";
  } catch (const meta::StatusError& error) {
    EXPECT_TRUE(error.isExpired());
  }
  EXPECT_THAT(asked_.copy(), ElementsAre("GET /api/v1/pods?resourceVersion=7&watch=true&allowWatchBookmarks=true"));
}

TEST_F(HttpsClientTest, AWatchThatIsRefusedSaysWhy) {
  status_ = 403;
  body_ = "no";
  auto watch = client_->watch(kPods, "", {});
  try {
    watch->next({});
    FAIL() << "an event";
  } catch (const meta::StatusError& error) {
    EXPECT_EQ(error.code(), 403);
  }
}

// A watch that goes on until the test ends.
TEST(HttpsWatch, WakesItsFollowerOnceForWhatComes) {
  base::Guarded<net::ExchangePtr> stream;
  std::mutex mutex;
  std::condition_variable changed;
  int wakes = 0;
  bool open = false;
  auto server = net::startServer({.address = "127.0.0.1"}, [&](const net::ExchangePtr& exchange) {
    exchange->begin(200, {});
    stream.with([&](auto& slot) { slot = exchange; });
    std::lock_guard lock(mutex);
    open = true;
    changed.notify_all();
  });
  auto client = newHttpsClient({.server = "http://127.0.0.1:" + std::to_string(server->port())});
  auto watch = client->watch(kPods, "", {});
  watch->onReady([&] {
    std::lock_guard lock(mutex);
    ++wakes;
    changed.notify_all();
  });
  EXPECT_EQ(watch->tryNext(), std::nullopt);
  std::unique_lock lock(mutex);
  ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(10), [&] { return open; }));
  stream.with([](auto& slot) {
    slot->write(std::make_shared<const std::string>("{\"type\":\"ADDED\",\"object\":{\"meta"));
    slot->write(std::make_shared<const std::string>("data\":{\"name\":\"a\",\"resourceVersion\":\"8\"}}}\n"));
  });
  ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(10), [&] { return wakes == 1; }));
  lock.unlock();
  EXPECT_EQ(show(*watch->tryNext()), "ADDED a 8");
  EXPECT_EQ(watch->tryNext(), std::nullopt);
  watch.reset();  // ends the stream, though the server has not
  stream.with([](auto& slot) { slot.reset(); });
}

}  // namespace
}  // namespace wherry::client
