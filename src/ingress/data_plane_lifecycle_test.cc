// How a HAProxy of this machine is started, ends, and is found again; on loopback.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/fd.h"
#include "ingress/data_plane.h"
#include "ingress/data_plane_test_support.h"

namespace wherry::ingress {
namespace {

namespace fs = std::filesystem;

using Kind = PathMatch::Kind;

TEST_F(DataPlaneTest, WithoutAHAProxyThereIsTroubleUntilThereIsOne) {
  Web one("one");
  endpoints_["web"] = {one.endpoint()};
  std::ofstream(directory_) << "in its way";
  auto complaints = plane_->setModel(modelOf({route("", {Kind::kPrefix, "/"}, "web")}));
  ASSERT_EQ(complaints.size(), 1U);
  EXPECT_EQ(complaints[0].reason, "HAProxyUnavailable");
  EXPECT_NE(plane_->trouble(), "");
  EXPECT_FALSE(plane_->running());
  ASSERT_TRUE(plane_->retryAt());
  EXPECT_EQ(plane_->restart(), complaints);
  fs::remove(directory_);
  EXPECT_EQ(plane_->restart().size(), 0U);
  EXPECT_EQ(plane_->trouble(), "");
  EXPECT_FALSE(plane_->retryAt());
  EXPECT_EQ(get("x", "/"), "200 one /\n");
}

TEST_F(DataPlaneTest, OneThatEndsAndCannotStartAgainIsTrouble) {
  Web one("one");
  endpoints_["web"] = {one.endpoint()};
  plane_->setModel(modelOf({route("", {Kind::kPrefix, "/"}, "web")}));
  fs::path aside = directory_.string() + ".aside";
  fs::rename(directory_, aside);
  std::ofstream(directory_) << "in its way";
  std::string text;
  std::ifstream(aside / "haproxy.pid") >> text;
  ::kill(std::stoi(text), SIGKILL);
  ended_.acquire();
  auto complaints = plane_->restart();
  ASSERT_EQ(complaints.size(), 1U);
  EXPECT_EQ(complaints[0].reason, "HAProxyUnavailable");
  EXPECT_NE(plane_->trouble(), "");
  fs::remove(directory_);
  fs::rename(aside, directory_);
  std::this_thread::sleep_until(*plane_->retryAt());
  EXPECT_EQ(plane_->restart().size(), 0U);
  EXPECT_EQ(get("x", "/"), "200 one /\n");
}

TEST_F(DataPlaneTest, WhereEveryPortIsTakenNothingIsServed) {
  Web one("one");
  endpoints_["web"] = {one.endpoint()};
  plane_->setModel(modelOf({route("", {Kind::kPrefix, "/"}, "web")}));
  uint16_t taken = 0;
  base::Fd holder = listenOn(taken);
  Model model;
  model.ports[taken] = {taken, false, {route("", {Kind::kPrefix, "/"}, "web")}, {}, {}};
  auto complaints = plane_->setModel(model);
  ASSERT_EQ(complaints.size(), 1U);
  EXPECT_EQ(complaints[0].reason, "PortUnavailable");
  EXPECT_TRUE(plane_->unavailablePorts().contains(taken));
  EXPECT_FALSE(plane_->running());
  starts_ = 0;
  EXPECT_EQ(plane_->setModel(model), complaints);
  EXPECT_EQ(plane_->restart(), complaints);
  EXPECT_EQ(starts_, 0);
  ASSERT_TRUE(plane_->retryAt());
  holder = base::Fd();
  EXPECT_EQ(plane_->restart().size(), 0U);
  EXPECT_EQ(Connection(taken).get("x", "/"), "200 one /\n");
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
  ended_.acquire();
  plane_->restart();
  EXPECT_EQ(get("x", "/"), "200 one /\n");
}

TEST_F(DataPlaneTest, OneThatEndsSoonAfterItsStartIsGivenTime) {
  Web one("one");
  endpoints_["web"] = {one.endpoint()};
  plane_->setModel(modelOf({route("", {Kind::kPrefix, "/"}, "web")}));
  auto kill = [&] {
    ::kill(std::stoi(pid()), SIGKILL);
    ended_.acquire();
    return plane_->restart();
  };
  EXPECT_EQ(kill().size(), 0U);
  auto complaints = kill();
  ASSERT_EQ(complaints.size(), 1U);
  EXPECT_EQ(complaints[0].reason, "HAProxyUnavailable");
  EXPECT_FALSE(plane_->running());
  EXPECT_NE(plane_->trouble(), "");
  auto due = plane_->retryAt();
  ASSERT_TRUE(due);
  EXPECT_EQ(plane_->restart(), complaints) << "not before it is due";
  std::this_thread::sleep_until(*due);
  EXPECT_EQ(plane_->restart().size(), 0U);
  EXPECT_EQ(plane_->trouble(), "");
  EXPECT_EQ(get("x", "/"), "200 one /\n");
  kill();
  ASSERT_TRUE(plane_->retryAt());
  EXPECT_GT(*plane_->retryAt() - std::chrono::steady_clock::now(), std::chrono::milliseconds(600))
      << "longer each time";
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

TEST_F(DataPlaneTest, AResetEndsThoseTooThatFinish) {
  Web one("one"), two("two");
  endpoints_ = {{"web", {one.endpoint()}}, {"preserving", {two.endpoint()}}};
  plane_->setModel(modelOf({route("x", {Kind::kPrefix, "/"}, "web")}));
  std::vector<pid_t> processes = {std::stoi(pid())};
  auto came = one.slowRequestIsThere(), cameToTwo = two.slowRequestIsThere();
  auto slow = std::async(std::launch::async, [&] { return get("x", "/slow"); });
  came.wait();
  Route preserving = route("preserving", {Kind::kPrefix, "/"}, "preserving");
  preserving.to.preserveClientIp = {base::IpFamily::kIPv4};
  plane_->setModel(modelOf({preserving}));
  processes.push_back(std::stoi(pid()));
  auto slowOfTwo = std::async(std::launch::async, [&] {
    std::string answer = "404";  // of the one before
    while (answer == "404") answer = get("preserving", "/slow");
    return answer;
  });
  cameToTwo.wait();
  plane_->setModel(modelOf({preserving, route("y", {Kind::kPrefix, "/"}, "web")}));
  processes.push_back(std::stoi(pid()));
  // One that isn't ours: its directory has another name.
  Settings others = settings_;
  others.directory = settings_.directory + ".other";
  HAProxy other(others, {[] {}, {}});
  ASSERT_FALSE(other.load(
      {}, "frontend f\n  mode http\n  bind 127.0.0.1:" + std::to_string(freePort()) + "\n",
      [this] { woken_.acquire(); }, [this] { woken_.release(); }));
  endHAProxy(settings_.directory);
  for (pid_t process : processes) EXPECT_TRUE(isGone(process));
  EXPECT_EQ(slow.get(), "");
  EXPECT_EQ(slowOfTwo.get(), "");
  EXPECT_TRUE(other.running());
  other.stop();
  fs::remove_all(others.directory);
  one.release();
  two.release();
}

TEST_F(DataPlaneTest, NothingRunsWithoutRoutes) {
  Web one("one");
  endpoints_["web"] = {one.endpoint()};
  plane_->setModel(modelOf({route("", {Kind::kPrefix, "/"}, "web")}));
  pid_t process = std::stoi(pid());
  plane_->setModel({});
  EXPECT_FALSE(plane_->running());
  EXPECT_TRUE(isGone(process));
}

}  // namespace
}  // namespace wherry::ingress
