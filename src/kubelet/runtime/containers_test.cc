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

#include "base/strings.h"
#include "kubelet/runtime/exit_watcher.h"
#include "kubelet/testing/running_pod.h"

namespace wherry::kubelet {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class RuntimeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_HOST();
    pod_.emplace();
    sandbox_ = pod_->sandboxes.find(pod_->uid).value();
    watcher_.emplace(pod_->directory.run() + "/exits");
    watcher_->start([this](const std::string& id) {
      std::lock_guard lock(mutex_);
      ended_.insert(id);
      changed_.notify_all();
    });
  }

  bool hasEnded(const ContainerRecord& record) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [&] { return ended_.contains(record.id()); });
  }
  ContainerRecord waitForEnd(const ContainerRecord& record) {
    EXPECT_TRUE(hasEnded(record));
    containers().observeExits(pod_->uid);
    return containers().find(pod_->uid, record.name, record.attempt).value_or(ContainerRecord{});
  }
  ContainerRecord runToItsEnd(std::vector<std::string> arguments, json::Value spec = json::Object{}) {
    return waitForEnd(pod_->run(std::move(arguments), std::move(spec)));
  }

  Containers& containers() { return *pod_->containers; }
  PodPaths paths() { return containers().pathsOf(pod_->uid); }
  static std::string logOf(const ContainerRecord& record) { return base::readFileIfExists(record.log).value_or(""); }

  std::optional<RunningPod> pod_;
  SandboxRecord sandbox_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> ended_;
  std::optional<ExitWatcher> watcher_;
};

TEST_F(RuntimeTest, AContainerRunsInItsPodsNamespacesAndItsOutputIsInTheLog) {
  auto ended = runToItsEnd({"sh", "-c", "hostname; ip -4 addr show eth0; echo oops >&2; exit 3"});
  EXPECT_EQ(ended.state(), ContainerRecord::State::kExited);
  EXPECT_EQ(ended.exitCode, 3);
  EXPECT_EQ(ended.reason, "Error");
  EXPECT_NE(logOf(ended).find(" stdout F web\n"), std::string::npos) << logOf(ended);
  EXPECT_NE(logOf(ended).find(sandbox_.ip), std::string::npos) << logOf(ended);
  EXPECT_NE(logOf(ended).find(" stderr F oops\n"), std::string::npos) << logOf(ended);
}

TEST_F(RuntimeTest, AnEndedContainerLeavesItsRecordAndItsLogOnly) {
  auto ended = runToItsEnd({"true"});
  EXPECT_EQ(ended.reason, "Completed");
  std::string directory = paths().container("main", 0);
  EXPECT_EQ(std::distance(fs::directory_iterator(directory), {}), 1);
  EXPECT_TRUE(fs::exists(directory + "/record.json"));
  EXPECT_TRUE(pod_->crun.list().empty());
  EXPECT_TRUE(fs::is_empty(pod_->directory.run() + "/exits"));
}

TEST_F(RuntimeTest, ACommandThatDoesNotExistIsNamedAndIsAnAttemptThatEnded) {
  try {
    pod_->run({"/nosuch"});
    FAIL() << "it was created";
  } catch (const RuntimeError& error) {
    EXPECT_NE(std::string(error.what()).find("/nosuch"), std::string::npos) << error.what();
  }
  ASSERT_EQ(containers().list(pod_->uid).size(), 1u);
  auto ended = containers().list(pod_->uid)[0];
  EXPECT_EQ(ended.exitCode, 128);
  EXPECT_EQ(ended.reason, "StartError");
  EXPECT_NE(ended.message.find("/nosuch"), std::string::npos) << ended.message;
  EXPECT_TRUE(pod_->crun.list().empty());
}

TEST_F(RuntimeTest, ARunningContainerIsFoundAgainAfterARestartAndStillEndsByASignal) {
  auto record = pod_->run({"sleep", "1000"});
  std::string bundle = paths().container("main", 0);
  auto process = pod_->crun.findProcess(bundle, paths().containerCgroup("main", 0));
  ASSERT_TRUE(process);
  pod_->restart();
  auto found = containers().find(pod_->uid, "main", 0);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->state(), ContainerRecord::State::kRunning);
  EXPECT_EQ(pod_->crun.findProcess(bundle, paths().containerCgroup("main", 0)), process);
  EXPECT_EQ(pod_->sandboxes.find(pod_->uid)->ip, sandbox_.ip);
  EXPECT_TRUE(containers().signal(*found, SIGKILL));
  EXPECT_EQ(waitForEnd(*found).exitCode, 137);
}

TEST_F(RuntimeTest, AnEndThatHappenedInBetweenIsNotedAtTheRestart) {
  auto record = pod_->run({"sleep", "1000"});
  containers().signal(record, SIGKILL);
  ASSERT_TRUE(hasEnded(record));
  pod_->restart();
  EXPECT_EQ(containers().find(pod_->uid, "main", 0)->exitCode, 137);
}

TEST_F(RuntimeTest, WhatWasNeverStartedIsClearedAtTheRestart) {
  containers().create(pod_->next({"sleep", "1000"}));
  pod_->restart();
  EXPECT_TRUE(containers().list(pod_->uid).empty());
  EXPECT_TRUE(pod_->crun.list().empty());
  EXPECT_FALSE(fs::exists(paths().container("main", 0)));
}

TEST_F(RuntimeTest, AContainerWhoseConmonIsGoneIsEndedAtTheRestart) {
  auto record = pod_->run({"sleep", "1000"});
  auto monitor = base::parseInt<pid_t>(base::readFile(paths().container("main", 0) + "/conmon.pid"));
  ASSERT_TRUE(monitor);
  base::Fd process(static_cast<int>(::syscall(SYS_pidfd_open, *monitor, 0)));
  ASSERT_EQ(::kill(*monitor, SIGKILL), 0);
  pollfd gone{process.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&gone, 1, 10'000), 1);
  pod_->restart();
  EXPECT_EQ(containers().find(pod_->uid, "main", 0)->reason, "ContainerStatusUnknown");
  EXPECT_TRUE(pod_->crun.list().empty());
}

TEST_F(RuntimeTest, ExecRunsInsideAndAnswersTheExitCode) {
  auto record = pod_->run({"sleep", "1000"});
  auto finished = containers().exec(record, {"sh", "-c", "echo $HOME; exit 4"}, 10s);
  EXPECT_EQ(finished.exitCode, 4);
  EXPECT_EQ(finished.out, "/\n");
  EXPECT_TRUE(containers().exec(record, {"sleep", "100"}, 200ms).timedOut);
}

TEST_F(RuntimeTest, ADefaultContainerMayNotMountAndAPrivilegedOneMay) {
  auto refused = runToItsEnd({"mount", "-t", "tmpfs", "none", "/tmp"});
  EXPECT_NE(refused.exitCode, 0);
  json::Object privileged{{"securityContext", json::Object{{"privileged", true}}}};
  auto allowed = runToItsEnd({"mount", "-t", "tmpfs", "none", "/tmp"}, privileged);
  EXPECT_EQ(allowed.exitCode, 0) << logOf(allowed);
}

TEST_F(RuntimeTest, LastWordsMayBeAnyBytes) {
  auto created = pod_->next({"sh", "-c", "echo -e '\\377said' > /dev/shm/x; cat /dev/shm/x > /last"});
  auto spec = created.spec;
  created.spec = [this, spec](const std::string& rootfs) {
    json::Value config = spec(rootfs);
    ContainerRecord record{.podUid = pod_->uid, .name = "main"};
    config.as_object()["mounts"].as_array().push_back(json::Object{{"destination", "/last"},
                                                                   {"type", "bind"},
                                                                   {"source", containers().terminationLog(record)},
                                                                   {"options", json::Array{"rbind", "rw"}}});
    return config;
  };
  auto ended = waitForEnd(containers().start(containers().create(created)));
  EXPECT_EQ(ended.message, "\xef\xbf\xbdsaid\n") << logOf(ended);
  pod_->restart();
  EXPECT_EQ(containers().find(pod_->uid, "main", 0)->message, ended.message) << "it can be read again";
}

TEST_F(RuntimeTest, MemoryAboveTheLimitEndsItWithOOMKilled) {
  json::Object limited{{"resources", json::Object{{"limits", json::Object{{"memory", "8Mi"}}}}}};
  auto ended = runToItsEnd({"sh", "-c", "a=xxxxxxxxxxxxxxxx; while :; do a=$a$a; done"}, limited);
  EXPECT_FALSE(fs::exists("oom")) << "conmon left its mark in our own directory";
  EXPECT_EQ(ended.reason, "OOMKilled");
  EXPECT_EQ(ended.exitCode, 137);
}

TEST_F(RuntimeTest, ASandboxThatStandsIsKeptAsItIsHoweverOftenItIsAskedFor) {
  std::string file = paths().sandboxRecord();
  auto written = fs::last_write_time(file);
  EXPECT_EQ(pod_->sandboxes.create(pod_->pod(), "web").ip, sandbox_.ip);
  EXPECT_EQ(fs::last_write_time(file), written);
  // One that lost its namespaces, as at a reboot, is another.
  linux::removeNamespace(paths().namespaceFiles().net);
  EXPECT_FALSE(pod_->sandboxes.find(pod_->uid));
  EXPECT_EQ(pod_->sandboxes.create(pod_->pod(), "web").attempt, 1);
}

TEST_F(RuntimeTest, ContainersMayShareTheirProcesses) {
  base::Fd processes = pod_->shareProcesses();
  ASSERT_TRUE(processes);
  auto first = pod_->run({"sh", "-c", "sleep 1000 & sleep 1001"});
  auto second =
      runToItsEnd({"sh", "-c", "cat /proc/1/comm; cat /proc/*/cmdline | grep -c sleep1001; ls /proc/1/root/"});
  EXPECT_NE(logOf(second).find(" stdout F init\n"), std::string::npos) << logOf(second);
  EXPECT_NE(logOf(second).find(" stdout F 1\n"), std::string::npos) << logOf(second);
  // Killed alone, it leaves nothing of its own behind, and the first process reaps what it left.
  containers().signal(first, SIGKILL);
  EXPECT_EQ(waitForEnd(first).exitCode, 137);
  EXPECT_TRUE(linux::cgroupProcesses(pod_->crun.cgroups(), paths().containerCgroup("main", 0)).empty());
  auto third = runToItsEnd({"sh", "-c", "cat /proc/*/stat | grep -c ') Z '"});
  EXPECT_NE(logOf(third).find(" stdout F 0\n"), std::string::npos) << logOf(third);
  // The sandbox is its first process.
  auto init = linux::cgroupProcesses(pod_->crun.cgroups(), paths().cgroup + "/init");
  ASSERT_EQ(init.size(), 1u);
  base::Fd gone(static_cast<int>(::syscall(SYS_pidfd_open, init[0], 0)));
  ::kill(init[0], SIGKILL);
  pollfd ended{gone.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&ended, 1, 10'000), 1);
  EXPECT_FALSE(pod_->sandboxes.find(pod_->uid));
  EXPECT_EQ(pod_->sandboxes.create(pod_->pod(), "web").attempt, 1);
}

TEST_F(RuntimeTest, AContainerWhoseConmonIsKilledIsEndedToo) {
  auto record = pod_->run({"sleep", "1000"});
  watcher_->watch(record.id(), containers().openMonitor(record));
  std::string bundle = paths().container("main", 0);
  auto numberIn = [&](const char* file) { return std::stoi(base::readFile(bundle + file)); };
  int process = numberIn("/pidfile");
  ::kill(numberIn("/conmon.pid"), SIGKILL);
  auto ended = waitForEnd(record);
  EXPECT_EQ(ended.state(), ContainerRecord::State::kExited);
  EXPECT_EQ(ended.exitCode, 137);
  EXPECT_EQ(ended.reason, "Error");
  auto group = paths().containerCgroup("main", 0);
  EXPECT_FALSE(linux::isInCgroup(process, group)) << "it runs on beside its successor";
  EXPECT_FALSE(containers().openMonitor(ended));
}

TEST_F(RuntimeTest, RemovingThePodLeavesNothing) {
  pod_->run({"sleep", "1000"});
  containers().removeAll(pod_->uid);
  pod_->sandboxes.remove(pod_->uid);
  EXPECT_TRUE(pod_->sandboxes.list().empty());
  EXPECT_TRUE(pod_->crun.list().empty());
  EXPECT_TRUE(linux::targetsBelow(linux::readMounts(), pod_->directory.path()).empty());
  EXPECT_TRUE(linux::cgroupProcesses(pod_->crun.cgroups(), "/wherry/pod" + pod_->uid).empty());
}

}  // namespace
}  // namespace wherry::kubelet
