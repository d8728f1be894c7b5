// Requests through {pods,services,nodes}/NAME/proxy to a real HTTP server in the pod's place.
#include "apiserver/resource_proxy.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apiserver/api_script.h"
#include "apiserver/gzip.h"
#include "apiserver/test_node.h"
#include "net/event_loop.h"
#include "net/test_certificate.h"
#include "net/test_peer.h"

namespace wherry::apiserver {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

net::Bytes bytes(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

// What runs in the pod.
void serveBackend(const net::ExchangePtr& exchange) {
  const auto& request = exchange->request();
  if (request.path == "/page") {
    auto response = net::Response::text(200, "text/html; charset=utf-8", "<a href=\"/x\">x</a>");
    if (request.query == "zip") {
      response.headers.add("Content-Encoding", "gzip");
      response.body = {bytes(gzip(*response.body[0]))};
    }
    return exchange->respond(std::move(response));
  }
  if (request.path == "/moved") {
    net::Response response;
    response.status = 302;
    response.headers.add("Location", "/login");
    return exchange->respond(std::move(response));
  }
  if (request.path == "/big") {
    exchange->begin(200, {});
    for (int i = 0; i < 100; ++i) exchange->write(bytes(std::string(100'000, 'x')));
    return exchange->finish();
  }
  if (request.path == "/socket") {
    net::Headers headers;
    headers.add("Upgrade", "echo");
    auto connection = exchange->upgrade(std::move(headers));
    return connection->onRead(
        [connection](std::string_view data) { connection->write(bytes("echo " + std::string(data))); });
  }
  auto text = request.method + " " + request.path + "?" + request.query + " [" + request.body + "] " +
              std::string(request.headers.get("X-Forwarded-Uri")) + " " +
              std::string(request.headers.get("Authorization"));
  exchange->respond(net::Response::text(request.path == "/gone" ? 410 : 200, "text/plain", text));
}

class Node : public TestNode {
 public:
  Node(uint16_t plain, uint16_t secure) : plain_(plain), secure_(secure), thread_([loop = loop_] { loop->run(); }) {}
  ~Node() override { loop_->stop(); }
  // Port 80 and 443 of any pod are the backends; nobody listens on the others.
  void dial(std::string_view, std::string_view, std::string_view, uint16_t port, client::OnDialed done) override {
    uint16_t real = port == 80 ? plain_ : port == 443 ? secure_ : uint16_t{1};
    net::connectStream(loop_, {"127.0.0.1", real, ""}, std::chrono::seconds(5), std::move(done));
  }
  void serve(std::string_view path, net::ExchangePtr exchange) override {
    exchange->respond(net::Response::text(200, "text/plain", "node " + std::string(path)));
  }

 private:
  uint16_t plain_, secure_;
  std::shared_ptr<net::EventLoop> loop_ = std::make_shared<net::EventLoop>();
  std::jthread thread_;
};

class Proxy : public testing::Test {
 protected:
  Proxy() {
    net::ServerOptions options;
    options.address = "127.0.0.1";
    plain_ = net::startServer(options, serveBackend);
    auto certificate = net::makeTestCertificate("backend");
    options.certificatePem = certificate.certificatePem;
    options.keyPem = certificate.keyPem;
    secure_ = net::startServer(options, serveBackend);
    node_ = std::make_shared<Node>(plain_->port(), secure_->port());
    world_.admitPods();
    world_.run(R"(
POST /api/v1/namespaces/default/pods
  metadata: {name: p}
  spec: {nodeName: n1, containers: [{name: c, image: i, ports: [{containerPort: 80}]}]}
=> 201
PATCH:merge /api/v1/namespaces/default/pods/p/status
  status: {podIP: 10.244.0.5, podIPs: [{ip: 10.244.0.5}]}
=> 200
POST /api/v1/namespaces/default/pods
  metadata: {name: young}
  spec: {nodeName: n1, containers: [{name: c, image: i}]}
=> 201
POST /api/v1/namespaces/default/services
  metadata: {name: web}
  spec: {ports: [{name: http, port: 8080, targetPort: 80}], selector: {a: b}}
=> 201
POST /apis/discovery.k8s.io/v1/namespaces/default/endpointslices
  metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}
  addressType: IPv4
  ports: [{name: http, port: 80}]
  endpoints:
    - {addresses: [10.244.0.6], conditions: {ready: false}}
    - {addresses: [10.244.0.5], conditions: {ready: true}, targetRef: {kind: Pod, name: p, namespace: default}}
=> 201
POST /api/v1/nodes
  metadata: {name: n1}
=> 201
)");
  }
  std::string get(const std::string& target) { return world_.call("GET", kBase + target).body; }

  const std::string kBase = "/api/v1/namespaces/default/";
  std::unique_ptr<net::Server> plain_, secure_;
  std::shared_ptr<Node> node_;
  ApiWorld world_{[this](std::string_view name) { return name == "n1" ? node_ : nullptr; }};
};

TEST_F(Proxy, ReachesPodsServicesAndNodes) {
  EXPECT_EQ(get("pods/p/proxy/a%2Fb/?x=1"), "GET /a%2Fb/?x=1 [] /api/v1/namespaces/default/pods/p/proxy/a%2Fb/ ");
  EXPECT_THAT(get("pods/p:80/proxy/"), StartsWith("GET /? []"));
  EXPECT_THAT(get("pods/https:p:443/proxy/s"), StartsWith("GET /s? []"));
  EXPECT_THAT(get("services/web:http/proxy/x"), StartsWith("GET /x? []"));
  EXPECT_THAT(get("services/web:8080/proxy/x"), StartsWith("GET /x? []"));
  EXPECT_EQ(world_.call("GET", "/api/v1/nodes/n1/proxy/metrics?a=b").body, "node /metrics?a=b");
}

TEST_F(Proxy, PassesEveryMethodAndItsBody) {
  for (std::string method : {"POST", "PUT", "PATCH", "DELETE"}) {
    auto answer = world_.call(method, kBase + "pods/p/proxy/gone", "body", {{"Content-Type", "text/plain"}});
    EXPECT_EQ(answer.status, 410);
    EXPECT_THAT(answer.body, StartsWith(method + " /gone? [body]"));
  }
  auto head = world_.call("HEAD", kBase + "pods/p/proxy/x");
  EXPECT_EQ(head.body, "");
  EXPECT_NE(head.headers.get("Content-Length"), "");
}

TEST_F(Proxy, LeadsPagesAndRedirectionsThroughItself) {
  auto page = "<a href=\"/api/v1/namespaces/default/pods/p/proxy/x\">x</a>";
  EXPECT_EQ(get("pods/p/proxy/page"), page);
  EXPECT_EQ(gunzip(get("pods/p/proxy/page?zip"), 1000), page);
  EXPECT_EQ(world_.call("GET", kBase + "pods/p/proxy/moved").headers.get("Location"),
            "/api/v1/namespaces/default/pods/p/proxy/login");
  auto root = world_.call("GET", kBase + "pods/p/proxy?x=1");
  EXPECT_EQ(root.status, 301);
  EXPECT_EQ(root.headers.get("Location"), "/api/v1/namespaces/default/pods/p/proxy/?x=1");
}

TEST_F(Proxy, StreamsWhatIsLong) { EXPECT_EQ(get("pods/p/proxy/big").size(), 10'000'000U); }

TEST_F(Proxy, SaysWhatIsWrong) {
  world_.run(R"(
GET /api/v1/namespaces/default/pods/none/proxy/
=> 404
GET /api/v1/namespaces/default/pods/ftp:p:21/proxy/
=> 400
  message: invalid pod request "ftp:p:21"
GET /api/v1/namespaces/default/pods/young/proxy/
=> 400
  message: address not allowed
GET /api/v1/namespaces/default/pods/p:81/proxy/
=> 503
  message: "error trying to reach service: connect: connection refused"
GET /api/v1/namespaces/default/services/web:9/proxy/
=> 503
  message: no service port 9 found for service "web"
GET /api/v1/namespaces/default/services/web/proxy/
=> 503
  message: no endpoints available for service "web"
GET /api/v1/namespaces/default/services/none/proxy/
=> 404
GET /api/v1/nodes/none/proxy/
=> 404
)");
}

TEST_F(Proxy, PassesUpgradesThrough) {
  net::TestPeer peer(world_.port());
  auto head = peer.upgrade("GET " + kBase + "pods/p/proxy/socket", "Authorization: Bearer secret\r\nUpgrade: echo\r\n");
  EXPECT_THAT(head, StartsWith("HTTP/1.1 101"));
  EXPECT_THAT(head, HasSubstr("Upgrade: echo"));
  peer.send("hello");
  EXPECT_EQ(peer.read(10), "echo hello");
  net::TestPeer other(world_.port());
  EXPECT_THAT(other.upgrade("GET " + kBase + "pods/p/proxy/x", "Authorization: Bearer secret\r\nUpgrade: echo\r\n"),
              StartsWith("HTTP/1.1 500"));
}

}  // namespace
}  // namespace wherry::apiserver
