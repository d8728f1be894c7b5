#include <gtest/gtest.h>

#include "json/yaml.h"
#include "kubelet/streams/pod_streams_test.h"
#include "meta/status.h"

namespace wherry::kubelet {
namespace {

enum class Stdin { kYes, kNo };

class AttachTest : public PodStreamsTest {
 protected:
  ContainerRecord run(const std::string& script, const std::string& spec) {
    return pod_->run({"sh", "-c", script}, json::parseYaml(spec));
  }

  std::shared_ptr<TestClient> attach(Stdin stdin = Stdin::kYes, bool tty = false) {
    auto client = std::make_shared<TestClient>();
    connection_->attach(
        "default", "web", pod_->uid,
        {.container = "main", .stdin = stdin == Stdin::kYes, .stdout = true, .stderr = !tty, .tty = tty})(client);
    return client;
  }

  // Lets the script go on that waits at `read`, by a client that is attached for sure.
  static void say(const std::shared_ptr<TestClient>& client, std::string_view text) { client->stdin(text); }
};

TEST_F(AttachTest, CarriesStdinAndBothOutputsAndEndsWithTheContainer) {
  run("read a; echo out $a; echo err >&2; read b; exit 3", "{stdin: true}");
  auto client = attach();
  say(client, "one\n");
  EXPECT_TRUE(client->waitOut("out one\n"));
  say(client, "two\n");
  EXPECT_EQ(client->waitEnd().error, "");
  EXPECT_EQ(client->err(), "err\n");
}

TEST_F(AttachTest, SeveralClientsSeeTheSame) {
  run("read a; echo $a; read b", "{stdin: true}");
  auto first = attach(), second = attach();
  say(second, "hello\n");
  EXPECT_TRUE(first->waitOut("hello\n"));
  EXPECT_TRUE(second->waitOut("hello\n"));
  say(first, "end\n");
  first->waitEnd();
  second->waitEnd();
}

TEST_F(AttachTest, ATerminalHasItsSizeAndCanBeLeftAndTakenUpAgain) {
  run("while read a; do eval $a; done", "{stdin: true, tty: true}");
  auto client = attach(Stdin::kYes, true);
  client->resize({92, 32});  // as kubectl does, so that a program redraws
  client->resize({91, 31});
  say(client, "stty size\r");
  EXPECT_TRUE(client->waitOut("31 91\r\n")) << client->out();
  client->stdinEnd();
  client->closed();
  connect();
  auto again = attach(Stdin::kYes, true);
  again->resize({92, 32});
  say(again, "stty size\r");
  EXPECT_TRUE(again->waitOut("32 92\r\n")) << again->out();
  say(again, "exit 0\r");
  EXPECT_EQ(again->waitEnd().error, "");
}

TEST_F(AttachTest, StdinStaysOpenForTheNextClientUnlessItIsForOneOnly) {
  run("while read a; do echo got $a; [ $a = end ] && exit; done; echo over", "{stdin: true}");
  auto first = attach();
  say(first, "one\n");
  EXPECT_TRUE(first->waitOut("got one\n"));
  first->stdinEnd();
  first->closed();
  auto second = attach();
  say(second, "end\n");
  EXPECT_TRUE(second->waitOut("got end\n"));
  second->waitEnd();
  EXPECT_EQ(second->out().find("over"), std::string::npos);
}

TEST_F(AttachTest, StdinOnceEndsWithTheFirstClient) {
  run("while read a; do echo got $a; done; echo over", "{stdin: true, stdinOnce: true}");
  auto looker = attach(Stdin::kNo);
  auto client = attach();
  say(client, "one\n");
  EXPECT_TRUE(client->waitOut("got one\n"));
  client->stdinEnd();
  EXPECT_EQ(client->waitEnd().error, "");
  EXPECT_EQ(client->out(), "got one\nover\n");
  EXPECT_TRUE(looker->waitOut("over\n"));
  looker->waitEnd();
}

TEST_F(AttachTest, AClientThatOnlyLooksLeavesStdinAlone) {
  auto record = run("while read a; do echo got $a; done; echo over", "{stdin: true, stdinOnce: true}");
  for (int i = 0; i < 3; ++i) attach(Stdin::kNo)->closed();
  auto looker = attach(Stdin::kNo);
  auto client = attach();
  say(client, "one\n");
  EXPECT_TRUE(client->waitOut("got one\n"));
  EXPECT_TRUE(looker->waitOut("got one\n"));
  // One that vanishes while it holds stdin ends it.
  client->closed();
  EXPECT_TRUE(looker->waitOut("over\n"));
  looker->waitEnd();
}

TEST_F(AttachTest, SaysThatNothingRuns) {
  try {
    connection_->attach("default", "web", "", {.container = "main"});
    FAIL();
  } catch (const meta::StatusError& error) {
    EXPECT_NE(error.message().find("container not found (\"main\")"), std::string::npos) << error.message();
  }
}

}  // namespace
}  // namespace wherry::kubelet
