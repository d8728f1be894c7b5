// With a HAProxy of this machine, on loopback.
#include "ingress/data_plane.h"

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <semaphore>
#include <set>
#include <thread>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/subprocess.h"
#include "pki/certificate.h"

namespace wherry::ingress {
namespace {

namespace fs = std::filesystem;

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

base::Fd listenOn(uint16_t& port) {
  base::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(port);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(fd.get(), 64), 0);
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  port = ntohs(address.sin_port);
  return fd;
}

// One that nobody has at the moment.
uint16_t freePort() {
  uint16_t port = 0;
  listenOn(port);
  return port;
}

// Reads up to `end`; what came.
std::string readUntil(int fd, std::string_view end) {
  std::string text;
  char c;
  while (!text.ends_with(end) && ::read(fd, &c, 1) == 1) text += c;
  return text;
}

// A web server that answers every request with its name and the request's path, on connections that stay.
class Web {
 public:
  explicit Web(std::string name) : name_(std::move(name)), listener_(listenOn(port_)) {
    thread_ = std::jthread([this](std::stop_token stop) { serve(stop); });
  }
  ~Web() {
    thread_.request_stop();
    ::shutdown(listener_.get(), SHUT_RDWR);
  }
  Endpoint endpoint(const std::string& hostname = "") const { return {"127.0.0.1", port_, hostname}; }
  // Answers of requests to /slow wait for this.
  void release() { slow_.set_value(); }
  std::future<void> slowRequestIsThere() { return slowCame_.get_future(); }

 private:
  void serve(std::stop_token stop) {
    std::vector<std::jthread> connections;
    while (!stop.stop_requested()) {
      base::Fd fd(::accept(listener_.get(), nullptr, nullptr));
      if (!fd) return;
      connections.emplace_back([this, fd = std::make_shared<base::Fd>(std::move(fd))](std::stop_token end) {
        std::stop_callback close(end, [&] { ::shutdown(fd->get(), SHUT_RDWR); });
        while (answer(fd->get())) {
        }
      });
    }
  }
  bool answer(int fd) {
    std::string head = readUntil(fd, "\r\n\r\n");
    if (head.empty()) return false;
    std::string path = head.substr(4, head.find(' ', 4) - 4);
    if (path == "/slow") {
      slowCame_.set_value();
      released_.wait();
    }
    std::string body = name_ + " " + path + "\n";
    std::string text = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    return ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  }

  std::string name_;
  uint16_t port_ = 0;
  base::Fd listener_;
  std::promise<void> slow_;
  std::shared_future<void> released_ = slow_.get_future().share();
  std::promise<void> slowCame_;
  std::jthread thread_;
};

// A client's connection.
class Connection {
 public:
  explicit Connection(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback(port);
    timeval patience{.tv_sec = 30, .tv_usec = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    connected_ = ::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  // "200 web-0 /path", or the status alone; "" without an answer.
  std::string get(const std::string& host, const std::string& path, const std::string& headers = "") {
    if (!connected_) return "";
    std::string text = "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n" + headers + "\r\n";
    if (::write(fd_.get(), text.data(), text.size()) < 0) return "";
    std::string head = readUntil(fd_.get(), "\r\n\r\n");
    if (head.size() < 12) return "";
    std::string status = head.substr(9, 3);
    size_t cookie = head.find("set-cookie: ");
    if (cookie != std::string::npos) cookie_ = head.substr(cookie + 12, head.find(';', cookie) - cookie - 12);
    return status == "200" ? status + " " + readUntil(fd_.get(), "\n").substr(0, 100) : status;
  }
  const std::string& cookie() const { return cookie_; }  // the last that was set

 private:
  base::Fd fd_;
  bool connected_ = false;
  std::string cookie_;
};

class DataPlaneTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!base::findProgram("haproxy") || ::geteuid() != 0) GTEST_SKIP() << "needs haproxy, and to be root";
    ::signal(SIGPIPE, SIG_IGN);
    directory_ = fs::path(::testing::TempDir()) / ("plane-" + std::to_string(::getpid()));
    settings_.directory = directory_;
    settings_.user = "nobody";
    settings_.group = "nogroup";
    settings_.addresses = {"127.0.0.1"};
    settings_.statusAddress = "";
    plane_ = makePlane();
  }
  void TearDown() override {
    if (plane_) plane_->setModel({});
    fs::remove_all(directory_);
  }

  std::unique_ptr<DataPlane> makePlane() {
    return std::make_unique<DataPlane>(
        settings_, DataPlane::Hooks{
                       .endpointsOf = [this](const ServicePort& port) { return endpoints_[port.service]; },
                       .makeCertificate =
                           [] {
                             auto pair =
                                 pki::newAuthority("default", std::chrono::hours(24), base::Clock::system().now());
                             return pair.certificatePem + pair.keyPem;
                           },
                       .onEnd = [this] { ended_.set_value(); },
                       .meanwhile = [this] { meanwhile_(); },
                       .wake = [this] { woken_.release(); },
                   });
  }

  Route route(const std::string& host, const PathMatch& path, const std::string& service) {
    Route route{{"Ingress", "default", service}, {host, false}, path, {}, {}};
    route.to.shares = {{{"default", service, "http"}, 1}};
    return route;
  }
  Model modelOf(std::vector<Route> routes) {
    Model model;
    model.ports[port_] = {port_, false, std::move(routes), {}, {}};
    return model;
  }
  std::string get(const std::string& host, const std::string& path) { return Connection(port_).get(host, path); }
  void setEndpoints(const std::string& service, std::vector<Endpoint> endpoints) {
    endpoints_[service] = std::move(endpoints);
    plane_->updateEndpoints({"default/" + service});
  }
  std::string pid() const {
    std::string pid;
    std::ifstream(directory_ / "haproxy.pid") >> pid;
    return pid;
  }

  fs::path directory_;
  Settings settings_;
  std::map<std::string, std::vector<Endpoint>> endpoints_;
  std::promise<void> ended_;
  std::counting_semaphore<> woken_{0};
  std::function<void()> meanwhile_ = [this] { woken_.acquire(); };
  const uint16_t port_ = freePort();
  std::unique_ptr<DataPlane> plane_;
};

using Kind = PathMatch::Kind;

TEST_F(DataPlaneTest, HostsAndPathsLeadToServices) {
  Web one("one"), two("two");
  endpoints_ = {{"one", {one.endpoint()}}, {"two", {two.endpoint()}}};
  Model model = modelOf({route("a.example.com", {Kind::kPrefix, "/"}, "one"),
                         route("a.example.com", {Kind::kPrefix, "/two"}, "two"),
                         route("*.example.com", {Kind::kExact, "/only"}, "two"),
                         route("r.example.com", {Kind::kRegex, "/x[0-9]+"}, "one")});
  EXPECT_EQ(plane_->setModel(model).size(), 0U);
  EXPECT_EQ(get("a.example.com", "/"), "200 one /\n");
  EXPECT_EQ(get("A.Example.com:80", "/two"), "200 two /two\n");
  EXPECT_EQ(get("a.example.com", "/two/x?y=1"), "200 two /two/x?y=1\n");
  EXPECT_EQ(get("a.example.com", "/twox"), "200 one /twox\n");
  EXPECT_EQ(get("b.example.com", "/only"), "200 two /only\n");
  EXPECT_EQ(get("b.c.example.com", "/only"), "404");
  EXPECT_EQ(get("b.example.com", "/other"), "404");
  EXPECT_EQ(get("r.example.com", "/X12/y"), "200 one /X12/y\n");
  EXPECT_EQ(get("r.example.com", "/y"), "404");
  EXPECT_EQ(get("a.example.com", "/x/../two"), "200 two /two\n");
}

TEST_F(DataPlaneTest, EndpointsComeAndGoWithoutAReload) {
  Web one("one"), two("two");
  endpoints_["web"] = {one.endpoint()};
  plane_->setModel(modelOf({route("", {Kind::kPrefix, "/"}, "web")}));
  std::string before = pid();
  Connection kept(port_);
  EXPECT_EQ(kept.get("x", "/"), "200 one /\n");
  setEndpoints("web", {two.endpoint()});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(kept.get("x", "/"), "200 two /\n");
  setEndpoints("web", {});
  EXPECT_EQ(kept.get("x", "/"), "503");
  setEndpoints("web", {one.endpoint()});
  EXPECT_EQ(get("x", "/"), "200 one /\n");
  EXPECT_EQ(pid(), before);
}

TEST_F(DataPlaneTest, AReloadLetsRequestsFinish) {
  Web one("one");
  endpoints_["web"] = {one.endpoint()};
  plane_->setModel(modelOf({route("", {Kind::kPrefix, "/"}, "web")}));
  std::string before = pid();
  auto came = one.slowRequestIsThere();
  auto slow = std::async(std::launch::async, [&] { return get("x", "/slow"); });
  came.wait();
  plane_->setModel(modelOf({route("y", {Kind::kPrefix, "/"}, "web")}));
  EXPECT_NE(pid(), before);
  // The one before may still take a connection, until it has read its signal.
  for (int i = 0; i < 1000 && get("x", "/") != "404"; ++i) ::poll(nullptr, 0, 10);
  EXPECT_EQ(get("x", "/"), "404");
  one.release();
  EXPECT_EQ(slow.get(), "200 one /slow\n");
}

TEST_F(DataPlaneTest, EndpointsChangeDuringAReload) {
  Web one("one"), two("two");
  endpoints_["web"] = {one.endpoint()};
  plane_->setModel(modelOf({route("", {Kind::kPrefix, "/"}, "web")}));
  std::string duringTheReload;
  meanwhile_ = [&] {
    if (duringTheReload.empty()) {
      setEndpoints("web", {two.endpoint()});
      duringTheReload = get("x", "/");
    }
    woken_.acquire();
  };
  plane_->setModel(modelOf({route("", {Kind::kPrefix, "/"}, "web"), route("y", {Kind::kPrefix, "/"}, "web")}));
  EXPECT_EQ(duringTheReload, "200 two /\n");
  EXPECT_EQ(get("y", "/"), "200 two /\n");
}

TEST_F(DataPlaneTest, WhatHAProxyRefusesCostsOnlyItself) {
  Web one("one");
  endpoints_ = {{"good", {one.endpoint()}}, {"bad", {one.endpoint()}}};
  auto complaints = plane_->setModel(
      modelOf({route("good", {Kind::kPrefix, "/"}, "good"), route("bad", {Kind::kRegex, "/(unclosed"}, "bad"),
               route("bad", {Kind::kPrefix, "/"}, "good")}));
  ASSERT_EQ(complaints.size(), 1U);
  EXPECT_EQ(complaints[0].about, (Origin{"Ingress", "default", "bad"}));
  EXPECT_EQ(complaints[0].reason, "RefusedByHAProxy");
  EXPECT_NE(complaints[0].message.find("(unclosed"), std::string::npos) << complaints[0].message;
  EXPECT_EQ(get("good", "/"), "200 one /\n");
  // A word that can't be said is known before HAProxy is asked, and its path is not left to others.
  Route route4 = route("bad", {Kind::kPrefix, "/headers"}, "bad");
  route4.to.headers = {{HeaderChange::On::kRequest, HeaderChange::How::kSet, "X-A", "a\nb"}};
  complaints = plane_->setModel(modelOf({route4, route("bad", {Kind::kPrefix, "/"}, "good")}));
  ASSERT_EQ(complaints.size(), 1U);
  EXPECT_EQ(get("bad", "/headers"), "503");
  EXPECT_EQ(get("bad", "/"), "200 one /\n");
}

TEST_F(DataPlaneTest, AHashLeadsTheSameToTheSame) {
  Web one("one"), two("two"), three("three");
  endpoints_["web"] = {one.endpoint(), two.endpoint(), three.endpoint()};
  Route hashed = route("", {Kind::kPrefix, "/"}, "web");
  hashed.to.balance = Balance::kHash;
  hashed.to.hash = {{HashPart::Of::kHeader, "X-User"}, {HashPart::Of::kQuery, "shop"}};
  plane_->setModel(modelOf({hashed}));
  std::map<std::string, std::string> homes;
  for (int i = 0; i < 60; ++i) {
    std::string user = std::to_string(i % 20);
    std::string answer = Connection(port_).get("x", "/?shop=1", "X-User: " + user + "\r\n");
    std::string& home = homes[user];
    if (home.empty()) home = answer;
    EXPECT_EQ(answer, home);
  }
  std::set<std::string> used;
  for (const auto& [user, home] : homes) used.insert(home);
  EXPECT_GT(used.size(), 1U);
  // Consistent: whose endpoint stays keeps it.
  setEndpoints("web", {one.endpoint(), two.endpoint()});
  for (const auto& [user, home] : homes) {
    if (home.find("three") != std::string::npos) continue;
    EXPECT_EQ(Connection(port_).get("x", "/?shop=1", "X-User: " + user + "\r\n"), home);
  }
}

TEST_F(DataPlaneTest, ACookieLeadsBack) {
  Web one("one"), two("two");
  endpoints_["web"] = {one.endpoint(), two.endpoint()};
  Route sticky = route("", {Kind::kPrefix, "/"}, "web");
  sticky.to.sticky = StickyCookie{};
  plane_->setModel(modelOf({sticky}));
  Connection first(port_);
  std::string home = first.get("x", "/");
  ASSERT_TRUE(first.cookie().starts_with("INGRESSCOOKIE=")) << first.cookie();
  std::string header = "Cookie: " + first.cookie() + "\r\n";
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Connection(port_).get("x", "/", header), home);
  // Also after a reload, and when the endpoint has another place.
  plane_->setModel(modelOf({sticky, route("other", {Kind::kPrefix, "/"}, "web")}));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Connection(port_).get("x", "/", header), home);
  bool wasOne = home.find("one") != std::string::npos;
  setEndpoints("web", {wasOne ? two.endpoint() : one.endpoint()});
  EXPECT_NE(Connection(port_).get("x", "/", header), home);
  setEndpoints("web", {one.endpoint(), two.endpoint()});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Connection(port_).get("x", "/", header), home);
}

TEST_F(DataPlaneTest, WeightsShareTheTraffic) {
  Web one("one"), two("two");
  endpoints_ = {{"main", {one.endpoint()}}, {"canary", {two.endpoint()}}};
  Route split = route("", {Kind::kPrefix, "/"}, "main");
  split.to.shares = {{{"default", "main", "http"}, 90}, {{"default", "canary", "http"}, 10}};
  plane_->setModel(modelOf({split}));
  int canaries = 0;
  Connection client(port_);
  for (int i = 0; i < 200; ++i) canaries += client.get("x", "/").find("two") != std::string::npos;
  EXPECT_GT(canaries, 10);
  EXPECT_LT(canaries, 30);
}

TEST_F(DataPlaneTest, APortThatIsTakenIsHadWhenItIsFree) {
  Web one("one");
  endpoints_["web"] = {one.endpoint()};
  Model model = modelOf({route("", {Kind::kPrefix, "/"}, "web")});
  uint16_t taken = 0;
  base::Fd holder = listenOn(taken);
  model.ports[taken] = model.ports[port_];
  model.ports[taken].number = taken;
  auto complaints = plane_->setModel(model);
  ASSERT_EQ(complaints.size(), 1U);
  EXPECT_EQ(complaints[0].reason, "PortUnavailable");
  EXPECT_NE(complaints[0].message.find("Address already in use"), std::string::npos) << complaints[0].message;
  EXPECT_EQ(get("x", "/"), "200 one /\n");
  ASSERT_TRUE(plane_->retryAt());
  std::string before = pid();
  plane_->restart();
  EXPECT_EQ(pid(), before);  // a reload would not help
  ASSERT_TRUE(plane_->retryAt());
  holder.reset();
  plane_->restart();
  EXPECT_EQ(Connection(taken).get("x", "/"), "200 one /\n");
  EXPECT_FALSE(plane_->retryAt());
}

TEST_F(DataPlaneTest, ItIsStartedAgainWhenItEnds) {
  Web one("one");
  endpoints_["web"] = {one.endpoint()};
  plane_->setModel(modelOf({route("", {Kind::kPrefix, "/"}, "web")}));
  ::kill(std::stoi(pid()), SIGKILL);
  ended_.get_future().wait();
  plane_->restart();
  EXPECT_EQ(get("x", "/"), "200 one /\n");
}

TEST_F(DataPlaneTest, ItGoesOnWithoutUsAndIsFoundAgain) {
  Web one("one"), two("two");
  endpoints_["web"] = {one.endpoint()};
  Model model = modelOf({route("", {Kind::kPrefix, "/"}, "web")});
  plane_->setModel(model);
  plane_.reset();
  EXPECT_EQ(get("x", "/"), "200 one /\n");
  endpoints_["web"] = {two.endpoint()};
  plane_ = makePlane();
  EXPECT_TRUE(plane_->running());
  plane_->setModel(model);
  EXPECT_EQ(get("x", "/"), "200 two /\n");
}

TEST_F(DataPlaneTest, NothingRunsWithoutRoutes) {
  Web one("one");
  endpoints_["web"] = {one.endpoint()};
  plane_->setModel(modelOf({route("", {Kind::kPrefix, "/"}, "web")}));
  pid_t process = std::stoi(pid());
  plane_->setModel({});
  EXPECT_FALSE(plane_->running());
  for (int i = 0; i < 600 && ::kill(process, 0) == 0; ++i) ::poll(nullptr, 0, 50);
  EXPECT_NE(::kill(process, 0), 0);
}

}  // namespace
}  // namespace wherry::ingress
