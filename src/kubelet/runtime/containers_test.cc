#include "kubelet/runtime/containers.h"

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <set>

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/random.h"
#include "base/strings.h"
#include "kubelet/runtime/exit_watcher.h"
#include "kubelet/runtime/oci_spec.h"
#include "kubelet/runtime/pod_init.h"
#include "kubelet/runtime/sandbox.h"
#include "kubelet/testing/test_host.h"

namespace wherry::kubelet {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// One pod's sandbox and containers in the test host, the way the kubelet's worker makes them.
class RuntimeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_HOST();
    layer_ = makeBusyboxLayer(directory_.path() + "/layer");
    network_.emplace(network::PodNetworkOptions{"10.99.0.0/24", "10.99.0.0/16", directory_.data() + "/network"});
    network_->start();
    crun_.emplace(RuntimePaths{directory_.run() + "/crun", directory_.run() + "/exits"}, linux::readCgroups());
    sandboxes_.emplace(SandboxOptions{directory_.data(), directory_.run(), "192.0.2.1", &*network_, &*crun_});
    restart();
    watcher_.emplace(directory_.run() + "/exits");
    watcher_->start([this](const std::string& id) {
      std::lock_guard lock(mutex_);
      ended_.insert(id);
      changed_.notify_all();
    });
    sandbox_ = sandboxes_->create(pod_, "web");
  }

  void TearDown() override {
    if (!containers_) return;
    containers_->removeAll(uid_);
    sandboxes_->remove(uid_);
    network_->removeAll();
  }

  void restart() {
    containers_.emplace(directory_.data(), directory_.run(), *crun_, base::Clock::system());
    containers_->adopt();
  }

  NewContainer container(std::vector<std::string> arguments, int attempt = 0, json::Value spec = json::Object{}) {
    NewContainer out;
    out.record = {.podUid = uid_,
                  .name = "main",
                  .attempt = attempt,
                  .log = directory_.data() + "/logs/main/" + std::to_string(attempt) + ".log"};
    out.lower = {layer_};
    auto paths = containers_->pathsOf(uid_);
    out.spec = [=, this](const std::string& rootfs) {
      spec_ = spec;
      return renderSpec({.pod = pod_,
                         .container = core_v1::Container(&spec_),
                         .env = {"PATH=/bin", "HOME=/"},
                         .arguments = arguments,
                         .mounts = {{"/dev/shm", paths.shm()}},
                         .namespaces = paths.namespaceFiles(),
                         .pidNamespace = pidNamespace_,
                         .rootfs = rootfs,
                         .cgroupsPath = paths.containerCgroup("main", attempt),
                         .bounding = boundingCapabilities()});
    };
    return out;
  }

  ContainerRecord run(std::vector<std::string> arguments, int attempt = 0, json::Value spec = json::Object{}) {
    return containers_->start(containers_->create(container(std::move(arguments), attempt, std::move(spec))));
  }

  ContainerRecord waitForEnd(const ContainerRecord& record) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 20s, [&] { return ended_.contains(record.id()); }));
    lock.unlock();
    containers_->observeExits(uid_);
    return containers_->find(uid_, record.name, record.attempt).value_or(ContainerRecord{});
  }

  std::string logOf(const ContainerRecord& record) { return base::readFileIfExists(record.log).value_or(""); }

  TestDirectory directory_;
  std::string uid_ = base::newUuid();
  std::string layer_;
  json::Value spec_;
  core_v1::Pod pod_{std::make_shared<const meta::Object>(
      json::Value(json::Object{{"metadata", json::Object{{"name", "web"}, {"namespace", "default"}, {"uid", uid_}}},
                               {"spec", json::Object{}}}))};
  std::optional<network::PodNetwork> network_;
  std::optional<Crun> crun_;
  std::optional<Sandboxes> sandboxes_;
  std::optional<Containers> containers_;
  SandboxRecord sandbox_;
  std::string pidNamespace_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> ended_;
  std::optional<ExitWatcher> watcher_;
};

TEST_F(RuntimeTest, AContainerRunsInItsPodsNamespacesAndItsOutputIsInTheLog) {
  auto ended = waitForEnd(run({"sh", "-c", "hostname; ip -4 addr show eth0; echo oops >&2; exit 3"}));
  EXPECT_EQ(ended.state(), ContainerRecord::State::kExited);
  EXPECT_EQ(ended.exitCode, 3);
  EXPECT_EQ(ended.reason, "Error");
  EXPECT_NE(logOf(ended).find(" stdout F web\n"), std::string::npos) << logOf(ended);
  EXPECT_NE(logOf(ended).find(sandbox_.ip), std::string::npos) << logOf(ended);
  EXPECT_NE(logOf(ended).find(" stderr F oops\n"), std::string::npos) << logOf(ended);
}

TEST_F(RuntimeTest, AnEndedContainerLeavesItsRecordAndItsLogOnly) {
  auto ended = waitForEnd(run({"true"}));
  EXPECT_EQ(ended.reason, "Completed");
  std::string directory = containers_->pathsOf(uid_).container("main", 0);
  EXPECT_EQ(std::distance(fs::directory_iterator(directory), {}), 1);
  EXPECT_TRUE(fs::exists(directory + "/record.json"));
  EXPECT_TRUE(crun_->list().empty());
  EXPECT_TRUE(fs::is_empty(directory_.run() + "/exits"));
}

TEST_F(RuntimeTest, ACommandThatDoesNotExistIsNamedAndIsAnAttemptThatEnded) {
  try {
    run({"/nosuch"});
    FAIL() << "it was created";
  } catch (const RuntimeError& error) {
    EXPECT_NE(std::string(error.what()).find("/nosuch"), std::string::npos) << error.what();
  }
  ASSERT_EQ(containers_->list(uid_).size(), 1u);
  auto ended = containers_->list(uid_)[0];
  EXPECT_EQ(ended.exitCode, 128);
  EXPECT_EQ(ended.reason, "StartError");
  EXPECT_NE(ended.message.find("/nosuch"), std::string::npos) << ended.message;
  EXPECT_TRUE(crun_->list().empty());
}

TEST_F(RuntimeTest, ARunningContainerIsFoundAgainAfterARestartAndStillEndsByASignal) {
  auto record = run({"sleep", "1000"});
  std::string bundle = containers_->pathsOf(uid_).container("main", 0);
  auto process = crun_->findProcess(bundle, containers_->pathsOf(uid_).containerCgroup("main", 0));
  ASSERT_TRUE(process);
  restart();
  auto found = containers_->find(uid_, "main", 0);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->state(), ContainerRecord::State::kRunning);
  EXPECT_EQ(crun_->findProcess(bundle, containers_->pathsOf(uid_).containerCgroup("main", 0)), process);
  EXPECT_EQ(sandboxes_->find(uid_)->ip, sandbox_.ip);
  EXPECT_TRUE(containers_->signal(*found, SIGKILL));
  EXPECT_EQ(waitForEnd(*found).exitCode, 137);
}

TEST_F(RuntimeTest, AnEndThatHappenedInBetweenIsNotedAtTheRestart) {
  auto record = run({"sleep", "1000"});
  containers_->signal(record, SIGKILL);
  std::unique_lock lock(mutex_);
  ASSERT_TRUE(changed_.wait_for(lock, 20s, [&] { return ended_.contains(record.id()); }));
  lock.unlock();
  restart();
  EXPECT_EQ(containers_->find(uid_, "main", 0)->exitCode, 137);
}

TEST_F(RuntimeTest, WhatWasNeverStartedIsClearedAtTheRestart) {
  containers_->create(container({"sleep", "1000"}));
  restart();
  EXPECT_TRUE(containers_->list(uid_).empty());
  EXPECT_TRUE(crun_->list().empty());
  EXPECT_FALSE(fs::exists(containers_->pathsOf(uid_).container("main", 0)));
}

TEST_F(RuntimeTest, AContainerWhoseConmonIsGoneIsEndedAtTheRestart) {
  auto record = run({"sleep", "1000"});
  auto monitor = base::parseInt<pid_t>(base::readFile(containers_->pathsOf(uid_).container("main", 0) + "/conmon.pid"));
  ASSERT_TRUE(monitor);
  base::Fd process(static_cast<int>(::syscall(SYS_pidfd_open, *monitor, 0)));
  ASSERT_EQ(::kill(*monitor, SIGKILL), 0);
  pollfd gone{process.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&gone, 1, 10'000), 1);
  restart();
  EXPECT_EQ(containers_->find(uid_, "main", 0)->reason, "ContainerStatusUnknown");
  EXPECT_TRUE(crun_->list().empty());
}

TEST_F(RuntimeTest, ExecRunsInsideAndAnswersTheExitCode) {
  auto record = run({"sleep", "1000"});
  auto finished = containers_->exec(record, {"sh", "-c", "echo $HOME; exit 4"}, 10s);
  EXPECT_EQ(finished.exitCode, 4);
  EXPECT_EQ(finished.out, "/\n");
  EXPECT_TRUE(containers_->exec(record, {"sleep", "100"}, 200ms).timedOut);
}

TEST_F(RuntimeTest, ADefaultContainerMayNotMountAndAPrivilegedOneMay) {
  auto refused = waitForEnd(run({"mount", "-t", "tmpfs", "none", "/tmp"}));
  EXPECT_NE(refused.exitCode, 0);
  json::Object privileged{{"securityContext", json::Object{{"privileged", true}}}};
  auto allowed = waitForEnd(run({"mount", "-t", "tmpfs", "none", "/tmp"}, 1, privileged));
  EXPECT_EQ(allowed.exitCode, 0) << logOf(allowed);
}

TEST_F(RuntimeTest, LastWordsMayBeAnyBytes) {
  auto created = container({"sh", "-c", "echo -e '\\377said' > /dev/shm/x; cat /dev/shm/x > /last"}, 0);
  auto spec = created.spec;
  created.spec = [this, spec](const std::string& rootfs) {
    json::Value config = spec(rootfs);
    ContainerRecord record{.podUid = uid_, .name = "main"};
    config.as_object()["mounts"].as_array().push_back(json::Object{{"destination", "/last"},
                                                                   {"type", "bind"},
                                                                   {"source", containers_->terminationLog(record)},
                                                                   {"options", json::Array{"rbind", "rw"}}});
    return config;
  };
  auto ended = waitForEnd(containers_->start(containers_->create(created)));
  EXPECT_EQ(ended.message, "\xef\xbf\xbdsaid\n") << logOf(ended);
  restart();
  EXPECT_EQ(containers_->find(uid_, "main", 0)->message, ended.message) << "it can be read again";
}

TEST_F(RuntimeTest, MemoryAboveTheLimitEndsItWithOOMKilled) {
  json::Object limited{{"resources", json::Object{{"limits", json::Object{{"memory", "8Mi"}}}}}};
  auto ended = waitForEnd(run({"sh", "-c", "a=xxxxxxxxxxxxxxxx; while :; do a=$a$a; done"}, 0, limited));
  EXPECT_FALSE(fs::exists("oom")) << "conmon left its mark in our own directory";
  EXPECT_EQ(ended.reason, "OOMKilled");
  EXPECT_EQ(ended.exitCode, 137);
}

TEST_F(RuntimeTest, ASandboxThatStandsIsKeptAsItIsHoweverOftenItIsAskedFor) {
  std::string file = containers_->pathsOf(uid_).sandboxRecord();
  auto written = fs::last_write_time(file);
  EXPECT_EQ(sandboxes_->create(pod_, "web").ip, sandbox_.ip);
  EXPECT_EQ(fs::last_write_time(file), written);
  // One that lost its namespaces, as at a reboot, is another.
  linux::removeNamespace(containers_->pathsOf(uid_).namespaceFiles().net);
  EXPECT_FALSE(sandboxes_->find(uid_));
  EXPECT_EQ(sandboxes_->create(pod_, "web").attempt, 1);
}

TEST_F(RuntimeTest, ContainersMayShareTheirProcesses) {
  sandboxes_->remove(uid_);
  pod_ = core_v1::Pod(std::make_shared<const meta::Object>(
      json::Value(json::Object{{"metadata", json::Object{{"name", "web"}, {"namespace", "default"}, {"uid", uid_}}},
                               {"spec", json::Object{{"shareProcessNamespace", true}}}})));
  sandbox_ = sandboxes_->create(pod_, "web");
  auto paths = containers_->pathsOf(uid_);
  base::Fd processes = openPodProcesses(*crun_, paths);
  ASSERT_TRUE(processes);
  pidNamespace_ = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(processes.get());
  auto first = run({"sh", "-c", "sleep 1000 & sleep 1001"}, 0);
  auto second =
      waitForEnd(run({"sh", "-c", "cat /proc/1/comm; cat /proc/*/cmdline | grep -c sleep1001; ls /proc/1/root/"}, 1));
  EXPECT_NE(logOf(second).find(" stdout F init\n"), std::string::npos) << logOf(second);
  EXPECT_NE(logOf(second).find(" stdout F 1\n"), std::string::npos) << logOf(second);
  // Killed alone, it leaves nothing of its own behind, and the first process reaps what it left.
  containers_->signal(first, SIGKILL);
  EXPECT_EQ(waitForEnd(first).exitCode, 137);
  EXPECT_TRUE(linux::cgroupProcesses(crun_->cgroups(), paths.containerCgroup("main", 0)).empty());
  auto third = waitForEnd(run({"sh", "-c", "cat /proc/*/stat | grep -c ') Z '"}, 2));
  EXPECT_NE(logOf(third).find(" stdout F 0\n"), std::string::npos) << logOf(third);
  // The sandbox is its first process.
  auto init = linux::cgroupProcesses(crun_->cgroups(), paths.cgroup + "/init");
  ASSERT_EQ(init.size(), 1u);
  base::Fd gone(static_cast<int>(::syscall(SYS_pidfd_open, init[0], 0)));
  ::kill(init[0], SIGKILL);
  pollfd ended{gone.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&ended, 1, 10'000), 1);
  EXPECT_FALSE(sandboxes_->find(uid_));
  EXPECT_EQ(sandboxes_->create(pod_, "web").attempt, 1);
}

TEST_F(RuntimeTest, AContainerWhoseConmonIsKilledIsEndedToo) {
  auto record = run({"sleep", "1000"});
  watcher_->watch(record.id(), containers_->openMonitor(record));
  std::string bundle = containers_->pathsOf(uid_).container("main", 0);
  auto numberIn = [&](const char* file) { return std::stoi(base::readFile(bundle + file)); };
  int process = numberIn("/pidfile");
  ::kill(numberIn("/conmon.pid"), SIGKILL);
  auto ended = waitForEnd(record);
  EXPECT_EQ(ended.state(), ContainerRecord::State::kExited);
  EXPECT_EQ(ended.exitCode, 137);
  EXPECT_EQ(ended.reason, "Error");
  auto group = containers_->pathsOf(uid_).containerCgroup("main", 0);
  EXPECT_FALSE(linux::isInCgroup(process, group)) << "it runs on beside its successor";
  EXPECT_FALSE(containers_->openMonitor(ended));
}

TEST_F(RuntimeTest, RemovingThePodLeavesNothing) {
  run({"sleep", "1000"});
  containers_->removeAll(uid_);
  sandboxes_->remove(uid_);
  EXPECT_TRUE(sandboxes_->list().empty());
  EXPECT_TRUE(crun_->list().empty());
  EXPECT_TRUE(linux::targetsBelow(linux::readMounts(), directory_.path()).empty());
  EXPECT_TRUE(linux::cgroupProcesses(crun_->cgroups(), "/wherry/pod" + uid_).empty());
}

}  // namespace
}  // namespace wherry::kubelet
