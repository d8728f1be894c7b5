// What becomes of requests beside their answers: limits, deadlines, the audit log and the metrics, over HTTP.
#include "apiserver/flow/request_observer.h"

#include <mutex>

#include <gtest/gtest.h>

#include "apiserver/api_script.h"
#include "base/strings.h"
#include "json/value.h"

namespace wherry::apiserver {
namespace {

// Keeps the lines.
class KeptLog : public audit::Log {
 public:
  bool write(std::string line) override {
    std::lock_guard lock(mutex_);
    if (full_) return false;
    lines_.push_back(json::parse(line));
    return true;
  }
  std::vector<json::Value> of(std::string_view path) const {
    std::lock_guard lock(mutex_);
    std::vector<json::Value> found;
    for (const auto& line : lines_) {
      if (json::getString(line, "requestURI").starts_with(path)) found.push_back(line);
    }
    return found;
  }
  void fill() {
    std::lock_guard lock(mutex_);
    full_ = true;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<json::Value> lines_;
  bool full_ = false;
};

std::string metric(ApiWorld& world, std::string_view series) {
  auto page = world.call("GET", "/metrics");
  for (auto line : base::split(page.body, '\n')) {
    if (line.starts_with(series) && line.substr(series.size()).starts_with(' ')) {
      return std::string(line.substr(series.size() + 1));
    }
  }
  return "none";
}

ObserverOptions auditing(const std::shared_ptr<KeptLog>& log, const std::string& rules) {
  ObserverOptions options;
  options.auditPolicy = std::make_shared<const audit::Policy>(audit::Policy::parse(
      "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: " + rules));
  options.auditLog = log;
  return options;
}

TEST(Audit, ARequestIsNotedAsItsPolicySays) {
  auto log = std::make_shared<KeptLog>();
  ApiWorld world(nullptr, auditing(log,
                                   "[{level: RequestResponse, omitManagedFields: true, resources: [{group: '', "
                                   "resources: [configmaps]}]}, {level: Metadata}]"));
  auto answer =
      world.call("POST", "/api/v1/namespaces/default/configmaps", R"({"metadata":{"name":"noted"},"data":{"a":"b"}})",
                 {{"Content-Type", "application/json"}, {"Audit-ID", "mine-1"}});
  EXPECT_EQ(answer.headers.get("Audit-Id"), "mine-1");
  auto events = log->of("/api/v1/namespaces/default/configmaps");
  ASSERT_EQ(events.size(), 1U);
  const auto& event = events[0];
  EXPECT_EQ(json::getString(event, "apiVersion"), "audit.k8s.io/v1");
  EXPECT_EQ(json::getString(event, "auditID"), "mine-1");
  EXPECT_EQ(json::getString(event, "stage"), "ResponseComplete");
  EXPECT_EQ(json::getString(event, "verb"), "create");
  EXPECT_EQ(json::getString(event, "user.username"), "admin");
  EXPECT_EQ(event.as_object().at("sourceIPs"), json::Value(json::Array{"127.0.0.1"}));
  EXPECT_EQ(json::getString(event, "objectRef.namespace"), "default");
  EXPECT_EQ(json::getInt(event, "responseStatus.code"), 201);
  EXPECT_EQ(json::getString(event, "requestObject.data.a"), "b");
  EXPECT_EQ(json::getString(event, "responseObject.metadata.name"), "noted");
  EXPECT_EQ(json::find(event, "responseObject.metadata.managedFields"), nullptr);
  world.call("GET", "/api/v1/namespaces/default/secrets/none");
  events = log->of("/api/v1/namespaces/default/secrets");
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(json::getInt(events[0], "responseStatus.code"), 404);
  EXPECT_EQ(json::getString(events[0], "responseStatus.reason"), "NotFound");
  EXPECT_EQ(json::find(events[0], "responseObject"), nullptr);
}

TEST(Audit, PodSecurityLeavesItsWord) {
  auto log = std::make_shared<KeptLog>();
  ApiWorld world(nullptr, auditing(log, "[{level: Metadata, resources: [{group: '', resources: [pods]}]}]"));
  world.run(R"(
POST /api/v1/namespaces
  metadata: {name: strict, labels: {pod-security.kubernetes.io/enforce: baseline}}
=> 201
POST /api/v1/namespaces/strict/serviceaccounts
  metadata: {name: default}
=> 201
POST /api/v1/namespaces/strict/pods
  metadata: {name: web}
  spec: {hostPID: true, containers: [{name: x, image: nginx}]}
=> 403
)");
  auto events = log->of("/api/v1/namespaces/strict/pods");
  ASSERT_EQ(events.size(), 1U);
  const auto* annotations = json::find(events[0], "annotations");
  ASSERT_NE(annotations, nullptr);
  EXPECT_EQ(annotations->as_object().at("pod-security.kubernetes.io/enforce-policy"), json::Value("baseline:latest"));
}

TEST(Audit, AFullLogHoldsNobodyUp) {
  auto log = std::make_shared<KeptLog>();
  ApiWorld world(nullptr, auditing(log, "[{level: Metadata}]"));
  log->fill();
  EXPECT_EQ(world.call("GET", "/api/v1/namespaces/default").status, 200);
  EXPECT_NE(metric(world, R"(apiserver_audit_error_total{plugin="log"})"), "none");
}

constexpr const char* kGuest = "Bearer guest";  // joe

TEST(Audit, WhoActsAsAnotherIsNotedAsThemselves) {
  auto log = std::make_shared<KeptLog>();
  ApiWorld world(nullptr, auditing(log, "[{level: Metadata, users: [admin, joe]}]"));
  world.run("GET /api/v1/namespaces/default/configmaps as jane devs\n=> 403\n");
  auto events = log->of("/api/v1/namespaces/default/configmaps");
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(json::getString(events[0], "user.username"), "admin");
  EXPECT_EQ(json::getString(events[0], "impersonatedUser.username"), "jane");
  EXPECT_EQ(json::serialize(*json::find(events[0], "impersonatedUser.groups")), R"(["devs","system:authenticated"])");
  const auto& annotations = json::find(events[0], "annotations")->as_object();
  EXPECT_EQ(annotations.at("authorization.k8s.io/decision"), json::Value("forbid"));
  world.call("GET", "/api/v1/namespaces/default/secrets", "", {{"Authorization", kGuest}, {"Impersonate-User", "ann"}});
  events = log->of("/api/v1/namespaces/default/secrets");
  ASSERT_EQ(events.size(), 1U) << "also who may not";
  EXPECT_EQ(json::getString(events[0], "user.username"), "joe");
  EXPECT_EQ(json::find(events[0], "impersonatedUser"), nullptr);
  EXPECT_EQ(json::getInt(events[0], "responseStatus.code"), 403);
}

// A field of a protobuf message that is a text or a message itself.
std::string field(int number, const std::string& content) {
  return static_cast<char>(number << 3 | 2) + (static_cast<char>(content.size()) + content);
}

TEST(Audit, BodiesAreNotedInWhateverFormTheyCome) {
  const std::string protobuf = std::string("k8s\0", 4) + field(1, field(1, "v1") + field(2, "ConfigMap")) +
                               field(2, field(1, field(1, "binary")) + field(2, field(1, "a") + field(2, "b")));
  const struct {
    const char *name, *method, *path, *type;
    std::string body;
    const char *request, *response;
  } cases[] = {
      {"YAML", "POST", "", "application/yaml", "metadata: {name: y}\ndata: {a: b}",
       R"({"metadata":{"name":"y"},"data":{"a":"b"}})", "y"},
      {"protobuf", "POST", "", "application/vnd.kubernetes.protobuf", protobuf,
       R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"binary"},"data":{"a":"b"}})", "binary"},
      {"a JSON patch", "PATCH", "/y", "application/json-patch+json", R"([{"op":"remove","path":"/data"}])",
       R"([{"op":"remove","path":"/data"}])", "y"},
      {"an applied configuration", "PATCH", "/y?fieldManager=me", "application/apply-patch+yaml",
       "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: y}",
       R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"y"}})", "y"},
      {"what can't be read", "POST", "", "application/yaml", "{", "none", ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    for (const char* accept : {"application/json", "application/yaml"}) {
      auto log = std::make_shared<KeptLog>();
      ApiWorld world(nullptr, auditing(log, "[{level: RequestResponse, omitManagedFields: true}]"));
      const std::string path = "/api/v1/namespaces/default/configmaps";
      if (c.method == std::string("PATCH")) {
        world.run("POST " + path + "\n  metadata: {name: y}\n  data: {a: c}\n=> 201\n");
      }
      world.call(c.method, path + c.path, c.body, {{"Content-Type", c.type}, {"Accept", accept}});
      auto events = log->of(path);
      ASSERT_FALSE(events.empty());
      const auto* sent = json::find(events.back(), "requestObject");
      EXPECT_EQ(sent ? json::serialize(*sent) : "none", c.request);
      EXPECT_EQ(json::getString(events.back(), "responseObject.metadata.name"), c.response);
    }
  }
}

TEST(Audit, ATokenThatIsGivenOutIsNamed) {
  auto log = std::make_shared<KeptLog>();
  ApiWorld world(nullptr, auditing(log, "[{level: Metadata}]"));
  world.run(R"(
POST /api/v1/namespaces/default/serviceaccounts
  metadata: {name: robot}
=> 201
POST /api/v1/namespaces/default/serviceaccounts/robot/token
  {}
=> 201
)");
  auto events = log->of("/api/v1/namespaces/default/serviceaccounts/robot/token");
  ASSERT_EQ(events.size(), 1U);
  const auto& annotations = json::find(events[0], "annotations")->as_object();
  EXPECT_TRUE(annotations.at("authentication.kubernetes.io/issued-credential-id").as_string().starts_with("JTI="));
  EXPECT_EQ(annotations.at("authorization.k8s.io/decision"), json::Value("allow"));
}

TEST(Limits, RequestsBeyondALimitAreAnswered429WithRetryAfter) {
  ObserverOptions options;
  options.limits.requestsOfUser = 0;
  ApiWorld world(nullptr, options);
  auto refused = world.call("GET", "/api", "", {{"Authorization", kGuest}});
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.headers.get("Retry-After"), "1");
  auto status = json::parse(refused.body);
  EXPECT_EQ(json::getString(status, "reason"), "TooManyRequests");
  EXPECT_EQ(json::getString(status, "message"),
            "the server has received too many requests and has asked us to try again later");
  EXPECT_EQ(world.call("GET", "/api").status, 200) << "system:masters are let in";
}

TEST(Limits, ARequestThatTakesTooLongIsAnswered504) {
  ObserverOptions options;
  options.limits.requestTime = std::chrono::milliseconds(50);
  ApiWorld world(nullptr, options);
  // A revision that is still to come; nobody writes.
  auto late = world.call("GET", "/api/v1/namespaces/default?resourceVersion=1000");
  EXPECT_EQ(late.status, 504);
  auto status = json::parse(late.body);
  EXPECT_EQ(json::getString(status, "reason"), "Timeout");
  EXPECT_EQ(json::getString(status, "message"), "Timeout: request did not complete within the allotted timeout");
  auto wrong = world.call("GET", "/api/v1/namespaces/default?timeout=soon");
  EXPECT_EQ(wrong.status, 400);
}

TEST(Metrics, RequestsAreCountedUnderUpstreamsNames) {
  ApiWorld world;
  constexpr std::string_view kGets =
      R"(apiserver_request_total{verb="GET",dry_run="",group="",version="v1",resource="limitranges",subresource="",scope="resource",component="apiserver",code="404"})";
  EXPECT_EQ(metric(world, kGets), "none");
  world.call("GET", "/api/v1/namespaces/default/limitranges/none");
  EXPECT_EQ(metric(world, kGets), "1");
  world.call("GET", "/api/v1/namespaces/default/limitranges/none");
  EXPECT_EQ(metric(world, kGets), "2");
  EXPECT_EQ(metric(world, R"(apiserver_storage_objects{resource="priorityclasses.scheduling.k8s.io"})"), "2");
  EXPECT_EQ(metric(world, R"(apiserver_current_inflight_requests{request_kind="readOnly"})"), "1") << "the scrape";
  EXPECT_NE(metric(world, "process_resident_memory_bytes"), "none");
  auto open = world.call("GET", "/metrics", "", {{"Accept", "application/openmetrics-text; version=1.0.0"}});
  EXPECT_TRUE(open.body.ends_with("# EOF\n"));
  EXPECT_EQ(world.call("GET", "/metrics", "", {{"Authorization", kGuest}}).status, 403);
}

}  // namespace
}  // namespace wherry::apiserver
