// With a HAProxy of this machine, on loopback.
#include "ingress/data_plane.h"

#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>

#include "ingress/data_plane_test_support.h"

namespace wherry::ingress {
namespace {

namespace fs = std::filesystem;

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
  EXPECT_EQ(getOfNew("x", "/", "404"), "404");
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
  EXPECT_EQ(getOfNew("bad", "/headers", "503"), "503");
  EXPECT_EQ(get("bad", "/"), "200 one /\n");
}

TEST_F(DataPlaneTest, WhatIsRefusedIsNotAskedForAgain) {
  Web one("one");
  endpoints_ = {{"good", {one.endpoint()}}, {"bad", {one.endpoint()}}};
  Route bad = route("bad", {Kind::kRegex, "/(unclosed"}, "bad"), good = route("good", {Kind::kPrefix, "/"}, "good");
  auto complaints = plane_->setModel(modelOf({good, bad}));
  std::string before = pid();
  starts_ = 0;
  EXPECT_EQ(plane_->setModel(modelOf({good, bad})), complaints);
  EXPECT_EQ(pid(), before);
  EXPECT_EQ(starts_, 0);
  // What is new is one start, not one for each refusal.
  EXPECT_EQ(plane_->setModel(modelOf({good, bad, route("new", {Kind::kPrefix, "/"}, "good")})), complaints);
  EXPECT_EQ(starts_, 1);
  EXPECT_EQ(getOfNew("new", "/", "200 one /\n"), "200 one /\n");
  // Put right, it is served.
  bad.path.text = "/(closed)";
  EXPECT_EQ(plane_->setModel(modelOf({good, bad})).size(), 0U);
  EXPECT_EQ(getOfNew("bad", "/closed", "200 one /closed\n"), "200 one /closed\n");
}

TEST_F(DataPlaneTest, ABodyWithoutALengthHasItsLimit) {
  Web one("one");
  endpoints_["web"] = {one.endpoint()};
  Route limited = route("limited", {Kind::kPrefix, "/"}, "web"), small = route("small", {Kind::kPrefix, "/"}, "web");
  limited.to.bodyLimit = 100'000;
  small.to.bodyLimit = 1000;
  EXPECT_EQ(plane_->setModel(modelOf({limited, small, route("free", {Kind::kPrefix, "/"}, "web")})).size(), 0U);
  EXPECT_EQ(Connection(port_).put("limited", "/x", 100'000), "200 one /x\n");
  EXPECT_EQ(Connection(port_).put("limited", "/x", 100'500), "413");
  EXPECT_EQ(Connection(port_).put("small", "/x", 1000), "200 one /x\n");
  EXPECT_EQ(Connection(port_).put("small", "/x", 1500), "413");
  EXPECT_EQ(Connection(port_).put("free", "/x", 1'000'000), "200 one /x\n");
  // Each request has its own.
  Connection kept(port_);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(kept.put("limited", "/x", 60'000), "200 one /x\n");
  // What another protocol brings is no body.
  EXPECT_EQ(Connection(port_).echo("limited", 300'000), 300'000U);
}

// "user 65534, capabilities 2400"
std::string privilegesNow(const std::string& pid) {
  std::ifstream status("/proc/" + pid + "/status");
  std::string text, user, capabilities;
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("Uid:")) user = line.substr(line.rfind('\t') + 1);
    if (line.starts_with("CapPrm:")) capabilities = line.substr(line.find('\t') + 1);
  }
  capabilities.erase(0, capabilities.find_first_not_of('0'));
  return "user " + user + ", capabilities " + capabilities;
}

// Started as root it becomes its user when it is in the background already.
std::string privilegesOf(const std::string& pid) {
  for (int i = 0; i < 1000 && privilegesNow(pid).starts_with("user 0,"); ++i) ::poll(nullptr, 0, 10);
  return privilegesNow(pid);
}

TEST_F(DataPlaneTest, ClientsAddressesArePreservedByOneWhoMayDoThatAndNothingElse) {
  Web one("one");
  endpoints_["web"] = {one.endpoint()};
  Route plain = route("", {Kind::kPrefix, "/"}, "web");
  plain.to.bodyLimit = 100'000;  // which a script counts
  Route preserving = plain;
  preserving.to.preserveClientIp = {base::IpFamily::kIPv4, base::IpFamily::kIPv6};
  EXPECT_EQ(plane_->setModel(modelOf({plain})).size(), 0U);
  EXPECT_EQ(returnPath_, "closed") << "what an earlier process may have left";
  EXPECT_EQ(privilegesOf(pid()), "user 65534, capabilities ");
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(plane_->setModel(modelOf({preserving, route("", {Kind::kPrefix, "/x"}, "web")})).size(), 0U);
    EXPECT_EQ(returnPath_, "open");
    EXPECT_EQ(privilegesOf(pid()), "user 65534, capabilities 2400") << "CAP_NET_RAW, CAP_NET_BIND_SERVICE";
    EXPECT_EQ(get("x", "/"), "200 one /\n") << "clients on loopback come as ever";
    EXPECT_EQ(Connection(port_).put("x", "/", 100'500), "413");
    // One takes over from the other, of whichever kind.
    EXPECT_EQ(plane_->setModel(modelOf({preserving})).size(), 0U);
    EXPECT_EQ(get("x", "/"), "200 one /\n");
    EXPECT_EQ(plane_->setModel(modelOf({plain})).size(), 0U);
    EXPECT_EQ(privilegesOf(pid()), "user 65534, capabilities ");
    EXPECT_EQ(get("x", "/"), "200 one /\n");
    while (returnPath_ != "closed") {
      formerEnded_.acquire();
      plane_->settle();
    }
  }
}

TEST_F(DataPlaneTest, TheWayBackStaysForWhoeverIsStillServed) {
  Web one("one");
  endpoints_["web"] = {one.endpoint()};
  Route plain = route("", {Kind::kPrefix, "/"}, "web"), preserving = plain;
  preserving.to.preserveClientIp = {base::IpFamily::kIPv4};
  plane_->setModel(modelOf({preserving}));
  auto came = one.slowRequestIsThere();
  auto slow = std::async(std::launch::async, [&] { return get("x", "/slow"); });
  came.wait();
  plane_ = makePlane();  // which finds it
  plane_->setModel(modelOf({plain}));
  plane_->settle();
  EXPECT_EQ(returnPath_, "open");
  one.release();
  EXPECT_EQ(slow.get(), "200 one /slow\n");
  formerEnded_.acquire();
  plane_->settle();
  EXPECT_EQ(returnPath_, "closed");
  // The last route goes.
  plane_->setModel(modelOf({preserving}));
  EXPECT_EQ(returnPath_, "open");
  plane_->setModel({});
  while (returnPath_ != "closed") {
    formerEnded_.acquire();
    plane_->settle();
  }
}

TEST_F(DataPlaneTest, WhereClientsAddressesCantBePreservedAllElseIsServed) {
  Web one("one");
  endpoints_["web"] = {one.endpoint()};
  Route preserving = route("", {Kind::kPrefix, "/"}, "web");
  preserving.to.preserveClientIp = {base::IpFamily::kIPv4};
  openReturnPath_ = [] { throw std::runtime_error("no such rules in this kernel"); };
  auto complaints = plane_->setModel(modelOf({preserving}));
  ASSERT_EQ(complaints.size(), 1U);
  EXPECT_EQ(complaints[0].reason, "ClientIpNotPreserved");
  EXPECT_EQ(complaints[0].message, "clients come under the node's address: no such rules in this kernel");
  EXPECT_EQ(get("x", "/"), "200 one /\n");
  EXPECT_EQ(returnPath_, "closed");
  // With every change it is asked for again, which costs nobody a connection.
  std::string before = pid();
  EXPECT_EQ(plane_->setModel(modelOf({preserving})), complaints);
  EXPECT_EQ(pid(), before);
  openReturnPath_ = [this] { returnPath_ = "open"; };
  EXPECT_EQ(plane_->setModel(modelOf({preserving})).size(), 0U);
  EXPECT_EQ(returnPath_, "open");
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

// Nanoseconds of CPU that a process and all of its threads have had.
uint64_t cpuOf(const std::string& pid) {
  uint64_t sum = 0;
  for (const auto& thread : fs::directory_iterator("/proc/" + pid + "/task")) {
    uint64_t own = 0;
    std::ifstream(thread.path() / "schedstat") >> own;
    sum += own;
  }
  return sum;
}

TEST_F(DataPlaneTest, AnExpressionThatGoesBackForeverIsGivenUp) {
  Web one("one");
  endpoints_["web"] = {one.endpoint()};
  Route rewritten = route("evil", {Kind::kRegex, "/((?:a|aa)+)+[bc]"}, "web");
  rewritten.to.path = {PathChange::Kind::kRegex, "/$1"};
  plane_->setModel(modelOf({rewritten, route("evil", {Kind::kRegex, "/(.*/)?x(/|$)(.*)"}, "web"),
                            route("plain", {Kind::kPrefix, "/"}, "web")}));
  constexpr int kRequests = 20;
  auto cost = [&](const std::string& host, const std::string& path, const std::string& answer) {
    const uint64_t before = cpuOf(pid());
    Connection client(port_);
    for (int i = 0; i < kRequests; ++i) EXPECT_EQ(client.get(host, path), answer);
    return cpuOf(pid()) - before;
  };
  const std::string hostile = "/" + std::string(200, 'a') + "!bc";
  const uint64_t plain = cost("plain", "/" + std::string(6000, 'a'), "200 one /" + std::string(95, 'a'));
  const uint64_t evil = cost("evil", hostile, "404");
  // Without a limit of ours each takes thirty milliseconds.
  EXPECT_LT(evil, plain + kRequests * uint64_t{10'000'000}) << plain;
  // What people write is well within it, also where paths are long.
  EXPECT_EQ(get("evil", "/aaab"), "200 one /aaa\n");
  EXPECT_EQ(get("evil", "/" + std::string(6000, 'y') + "/x/z").substr(0, 12), "200 one /yyy");
}

TEST_F(DataPlaneTest, ARedirectKeepsTheHostAsItWasAskedFor) {
  Route moved = route("", {Kind::kPrefix, "/"}, "web");
  moved.to = Backend();
  moved.to.redirect = Redirect{.path = {PathChange::Kind::kFull, "/new"}};
  plane_->setModel(modelOf({moved}));
  for (const char* host : {"a.example.com", "a.example.com:8080", "10.0.0.1:8080", "[fd00::1]", "[fd00::1]:8080"}) {
    Connection client(port_);
    EXPECT_EQ(client.get(host, "/x"), "302");
    EXPECT_EQ(client.location(), fmt::format("http://{}/new", host));
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

}  // namespace
}  // namespace wherry::ingress
