#include <filesystem>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/strings.h"
#include "json/yaml.h"
#include "kubelet/streams/exec_process.h"
#include "kubelet/streams/pod_streams_test.h"
#include "meta/status.h"

namespace wherry::kubelet {
namespace {

TEST(RenderExecProcess, IsTheContainersOwnWithAnotherCommand) {
  auto config = json::parseYaml("process: {args: [nginx], cwd: /srv, env: [A=b, TERM=vt100], user: {uid: 7}}");
  auto plain = json::serialize(renderExecProcess(config, {"ls", "-l"}, false));
  EXPECT_EQ(plain, R"({"args":["ls","-l"],"cwd":"/srv","env":["A=b","TERM=vt100"],"user":{"uid":7},"terminal":false})");
  auto terminal = renderExecProcess(config, {"sh"}, true);
  EXPECT_EQ(json::serialize(*json::find(terminal, "env")), R"(["A=b","TERM=xterm"])");
}

TEST(ExecFailure, SaysItInTheWordsOfTheAPI) {
  struct Case {
    std::string program, crun, words;
  };
  const Case cases[] = {
      {"nosuch", "executable file `nosuch` not found in $PATH: No such file or directory",
       "exec: \"nosuch\": executable file not found in $PATH"},
      {"/bin/nosuch", "executable file `/bin/nosuch` not found in $PATH: No such file or directory",
       "exec: \"/bin/nosuch\": stat /bin/nosuch: no such file or directory"},
      {"/etc/hosts", "open executable: Permission denied", "exec: \"/etc/hosts\": permission denied"},
      {"sh", "2026: warning\nthe container `x` is not running\n", "the container `x` is not running"},
  };
  for (const auto& [program, crun, words] : cases) {
    std::string text = execFailure({program}, crun);
    EXPECT_TRUE(text.starts_with("failed to exec in container: failed to start exec \"")) << text;
    EXPECT_TRUE(text.ends_with("OCI runtime exec failed: exec failed: unable to start container process: " + words +
                               ": unknown"))
        << text;
  }
}

class ExecTest : public PodStreamsTest {
 protected:
  std::shared_ptr<TestClient> exec(std::vector<std::string> command, bool tty = false) {
    auto client = std::make_shared<TestClient>();
    connection_->exec("default", "web", pod_->uid,
                      {.container = "main",
                       .command = std::move(command),
                       .stdin = true,
                       .stdout = true,
                       .stderr = !tty,
                       .tty = tty})(client);
    return client;
  }
  std::shared_ptr<TestClient> shell(const std::string& script, bool tty = false) {
    return exec({"sh", "-c", script}, tty);
  }

  // Once those that are too many have ended, in time.
  ::testing::AssertionResult hasProcesses(const ContainerRecord& record, size_t count) {
    auto processes = pod_->processes(record);
    while (processes.size() > count) {
      if (!waitForAnEnd(processes)) return ::testing::AssertionFailure() << processes.size() << " go on, not " << count;
      processes = pod_->processes(record);
    }
    if (processes.size() == count) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << processes.size() << ", not " << count;
  }
  // Only the container's own process is left in it.
  ::testing::AssertionResult isAlone(const ContainerRecord& record) { return hasProcesses(record, 1); }

  static size_t openDescriptors() {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
  }

 private:
  // Until one of them is no more; false when all go on.
  static bool waitForAnEnd(const std::vector<pid_t>& processes) {
    std::vector<base::Fd> descriptors;
    std::vector<pollfd> polled;
    for (pid_t pid : processes) {
      descriptors.emplace_back(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
      if (!descriptors.back()) return true;
      polled.push_back({descriptors.back().get(), POLLIN, 0});
    }
    return ::poll(polled.data(), polled.size(), std::chrono::milliseconds(TestClient::kPatience).count()) > 0;
  }
};

TEST_F(ExecTest, GivesBothOutputsAndTheExitCode) {
  pod_->run({"sleep", "1000"});
  auto client = shell("echo out; echo err >&2; exit 7");
  EXPECT_EQ(client->waitEnd().exitCode, 7);
  EXPECT_EQ(client->waitEnd().error, "");
  EXPECT_EQ(client->out(), "out\n");
  EXPECT_EQ(client->err(), "err\n");
  EXPECT_EQ(shell("kill -9 $$")->waitEnd().exitCode, 137);
}

TEST_F(ExecTest, RunsAsTheContainersProcessDoes) {
  auto record = pod_->run({"sleep", "1000"}, json::parseYaml("{securityContext: {runAsUser: 1000, runAsGroup: 1001, "
                                                             "allowPrivilegeEscalation: false}, workingDir: /bin}"));
  auto client = shell(
      "id; pwd; echo $COLOR; grep -E 'NoNewPrivs|Seccomp:|CapEff|CapBnd' /proc/self/status; echo ok > /dev/stderr; "
      "ls /proc/self/fd | wc -l");
  EXPECT_EQ(client->waitEnd().exitCode, 0);
  std::string status = base::readFile("/proc/" + std::to_string(pod_->processes(record)[0]) + "/status");
  for (std::string_view line : base::split(status, '\n')) {
    bool same = line.starts_with("NoNewPrivs") || line.starts_with("CapEff") || line.starts_with("CapBnd");
    EXPECT_TRUE(!same || client->out().find(line) != std::string::npos) << line << " and not\n" << client->out();
  }
  EXPECT_NE(client->out().find("NoNewPrivs:\t1\nSeccomp:\t2\n"), std::string::npos) << client->out();
  EXPECT_TRUE(client->out().starts_with("uid=1000 gid=1001")) << client->out();
  EXPECT_NE(client->out().find("\n/bin\nblue\n"), std::string::npos) << client->out();
  EXPECT_EQ(client->err(), "ok\n") << "its own stderr can be opened";
  EXPECT_TRUE(client->out().ends_with("\n4\n")) << "no descriptor of ours: " << client->out();
}

TEST_F(ExecTest, SaysWhyItCanNotRunTheCommandAndNothingElse) {
  pod_->run({"sleep", "1000"});
  for (bool tty : {false, true}) {
    auto client = exec({"/nosuch"}, tty);
    EXPECT_TRUE(
        client->waitEnd().error.ends_with("exec: \"/nosuch\": stat /nosuch: no such file or directory: unknown"))
        << client->waitEnd().error;
    EXPECT_EQ(client->out() + client->err(), "");
  }
}

TEST_F(ExecTest, ChecksThePodAndTheContainerFirst) {
  EXPECT_THROW(connection_->exec("default", "nosuch", "", {.container = "main", .command = {"sh"}}), meta::StatusError);
  EXPECT_THROW(connection_->exec("default", "web", "another uid", {.container = "main", .command = {"sh"}}),
               meta::StatusError);
  try {
    connection_->exec("default", "web", "", {.container = "main", .command = {"sh"}});
    FAIL() << "nothing runs yet";
  } catch (const meta::StatusError& error) {
    EXPECT_NE(error.message().find("container not found (\"main\")"), std::string::npos) << error.message();
  }
}

TEST_F(ExecTest, StdinIsCarriedBinaryAndItsEndIsSeen) {
  pod_->run({"sleep", "1000"});
  auto client = exec({"cat"});
  std::string data;
  for (unsigned i = 0; i < 1U << 20; ++i) data += static_cast<char>(i * 7919 >> 5);
  for (size_t at = 0; at < data.size(); at += 30000) client->stdin(std::string_view(data).substr(at, 30000));
  client->stdinEnd();
  EXPECT_EQ(client->waitEnd().exitCode, 0);
  EXPECT_TRUE(client->out() == data) << client->out().size();
}

TEST_F(ExecTest, AFullPipeHoldsTheClientBack) {
  pod_->run({"sleep", "1000"});
  ASSERT_EQ(exec({"busybox", "mkfifo", "/go"})->waitEnd().exitCode, 0);
  auto client = shell("read go < /go; wc -c");
  std::string block(64 << 10, 'x');
  for (int i = 0; i < 8; ++i) client->stdin(block);
  EXPECT_TRUE(client->waitPaused(true));
  shell("echo go > /go");
  EXPECT_TRUE(client->waitPaused(false));
  client->stdinEnd();
  EXPECT_EQ(client->waitEnd().exitCode, 0);
  EXPECT_EQ(base::trim(client->out()), std::to_string(8 * block.size()));
}

TEST_F(ExecTest, ASlowClientHoldsTheProcessBackAndLosesNothing) {
  auto record = pod_->run({"sleep", "1000"});
  auto client = std::make_shared<TestClient>();
  client->setSlow(true);
  connection_->exec(
      "default", "web", "",
      {.container = "main", .command = {"sh", "-c", "head -c 3000000 /dev/zero"}, .stdout = true})(client);
  ASSERT_TRUE(client->waitOut(std::string(1, '\0')));
  EXPECT_EQ(shell("true")->waitEnd().exitCode, 0) << "others go on meanwhile";
  EXPECT_LT(client->out().size(), 200000u);
  EXPECT_TRUE(hasProcesses(record, 2)) << "it waits";
  client->setSlow(false);
  client->writable();
  EXPECT_EQ(client->waitEnd().exitCode, 0);
  EXPECT_EQ(client->out().size(), 3000000u);
}

TEST_F(ExecTest, ATerminalHasItsSizeFromTheStartAndControlCharactersWork) {
  auto record = pod_->run({"sleep", "1000"}, json::parseYaml("{securityContext: {runAsUser: 1000}}"));
  auto client = std::make_shared<TestClient>();
  auto start = connection_->exec("default", "web", "",
                                 {.container = "main", .command = {"sh"}, .stdin = true, .stdout = true, .tty = true});
  start(client);
  client->resize({99, 33});
  client->stdin("stty size; tty; echo $TERM\r");
  EXPECT_TRUE(client->waitOut("33 99\r\n/dev/pts/0\r\nxterm\r\n")) << client->out();
  client->resize({120, 40});
  client->stdin("stty size\r");
  EXPECT_TRUE(client->waitOut("40 120\r\n")) << client->out();
  client->stdin("sh -c 'echo up; exec sleep 1000'\r");
  EXPECT_TRUE(client->waitOut("\r\nup\r\n")) << client->out();  // it has the terminal
  EXPECT_TRUE(hasProcesses(record, 3));
  client->stdin("\x03");
  client->stdin("echo again\r");
  EXPECT_TRUE(client->waitOut("\r\nagain\r\n")) << client->out();
  client->stdin("exit 5\r");
  EXPECT_EQ(client->waitEnd().exitCode, 5);
}

TEST_F(ExecTest, ControlDEndsAShellAtATerminal) {
  pod_->run({"sleep", "1000"});
  auto client = exec({"sh"}, true);
  EXPECT_TRUE(client->waitOut("#"));
  client->stdin("\x04");
  EXPECT_EQ(client->waitEnd().exitCode, 0);
}

TEST_F(ExecTest, AClientThatVanishesLeavesNothingBehind) {
  auto record = pod_->run({"sleep", "1000"});
  connection_.reset();
  size_t before = openDescriptors();
  connect();
  for (bool tty : {false, true}) {
    auto client = shell("trap '' HUP TERM; sleep 1000 & (sleep 1000 & sleep 1000) & echo up; wait", tty);
    ASSERT_TRUE(client->waitOut("up"));
    client->closed();
    EXPECT_TRUE(isAlone(record));
    EXPECT_FALSE(client->ended());
    auto gone = client->whenGone();
    client.reset();
    EXPECT_EQ(gone.wait_for(TestClient::kPatience), std::future_status::ready) << "its session goes on";
  }
  connection_.reset();
  EXPECT_EQ(openDescriptors(), before);
}

TEST_F(ExecTest, AClientMayVanishAtAnyMoment) {
  auto record = pod_->run({"sleep", "1000"});
  for (int i = 0; i < 60; ++i) {
    auto client = shell("sleep 1000 & sleep 1000", i % 2 == 0);
    for (int look = 0; look < i / 5; ++look) pod_->processes(record);  // a little later each time
    client->closed();
  }
  EXPECT_TRUE(isAlone(record));
}

TEST_F(ExecTest, WhatTheCommandLeavesInTheBackgroundOutlivesItAndHoldsNobodyUp) {
  auto record = pod_->run({"sleep", "1000"});
  auto client = shell("sleep 1000 & echo done");
  EXPECT_EQ(client->waitEnd().exitCode, 0);
  EXPECT_EQ(client->out(), "done\n");
  EXPECT_EQ(pod_->processes(record).size(), 2u);
}

TEST_F(ExecTest, TheEndOfTheConnectionEndsItsProcesses) {
  auto record = pod_->run({"sleep", "1000"});
  auto client = shell("echo up; sleep 1000");
  ASSERT_TRUE(client->waitOut("up"));
  connect();
  EXPECT_TRUE(isAlone(record));
}

// As after a kill -9: nobody is left who knows of the exec.
TEST_F(ExecTest, WhatAnEarlierProcessLeftIsEndedAtTheStart) {
  auto record = pod_->run({"sleep", "1000"});
  auto paths = pod_->containers->pathsOf(pod_->uid);
  ExecProcess forsaken(
      pod_->crun, {record.id(), paths.container("main", 0), paths.containerCgroup("main", 0)},
      {.container = "main", .command = {"sh", "-c", "sleep 1000 & echo up; sleep 1000"}, .stdout = true}, "");
  pollfd output{forsaken.out.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&output, 1, std::chrono::milliseconds(TestClient::kPatience).count()), 1);
  ASSERT_TRUE(hasProcesses(record, 3));
  killForsakenExecs(pod_->crun);
  EXPECT_TRUE(isAlone(record));
  EXPECT_EQ(forsaken.reap().exitCode, 137);
}

TEST_F(ExecTest, FiftyAtOnceAllEndAndLeaveNothing) {
  auto record = pod_->run({"sleep", "1000"});
  connection_.reset();
  size_t before = openDescriptors();
  connect();
  std::vector<std::shared_ptr<TestClient>> clients;
  for (int i = 0; i < 50; ++i) clients.push_back(shell("cat; exit " + std::to_string(i)));
  for (int i = 0; i < 50; ++i) {
    clients[i]->stdin("line " + std::to_string(i));
    clients[i]->stdinEnd();
  }
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(clients[i]->waitEnd().exitCode, i);
    EXPECT_EQ(clients[i]->out(), "line " + std::to_string(i));
  }
  EXPECT_TRUE(isAlone(record));
  clients.clear();  // they hold the connection's loop
  connection_.reset();
  EXPECT_EQ(openDescriptors(), before);
}

}  // namespace
}  // namespace wherry::kubelet
