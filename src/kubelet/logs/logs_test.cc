#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/fd.h"
#include "kubelet/logs/log_line.h"
#include "kubelet/logs/log_reader.h"
#include "kubelet/logs/log_request.h"
#include "kubelet/testing/pod_fixture.h"
#include "kubelet/testing/test_host.h"
#include "meta/status.h"

namespace wherry::kubelet {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kLog =
    "2026-11-23T08:00:00.000000001+00:00 stdout F one\n"
    "2026-11-23T08:00:01.000000002+00:00 stdout P two \n"
    "2026-11-23T08:00:01.000000003+00:00 stdout F and more\n"
    "2026-11-23T08:00:02.000000004+00:00 stderr F three\n";

std::string filtered(const client::LogOptions& options) {
  LogFilter filter(options, base::WallTime{1795420802s});  // 2026-11-23T08:00:02Z
  std::string out;
  size_t start = 0;
  for (size_t end; (end = kLog.find('\n', start)) != std::string_view::npos; start = end + 1) {
    filter.apply(kLog.substr(start, end - start), out);
  }
  return out;
}

TEST(LogFilter, JoinsPartsAndLeavesTheTimesOut) { EXPECT_EQ(filtered({}), "one\ntwo and more\nthree\n"); }

TEST(LogFilter, ShowsTimesOncePerLine) {
  EXPECT_EQ(filtered({.timestamps = true}),
            "2026-11-23T08:00:00.000000001Z one\n"
            "2026-11-23T08:00:01.000000002Z two and more\n"
            "2026-11-23T08:00:02.000000004Z three\n");
}

TEST(LogFilter, BeginsAtATimeAndEndsAtALimit) {
  EXPECT_EQ(filtered({.sinceTime = "2026-11-23T08:00:02Z"}), "three\n");
  EXPECT_EQ(filtered({.sinceSeconds = 1}), "two and more\nthree\n");
  EXPECT_EQ(filtered({.sinceSeconds = std::numeric_limits<int64_t>::max()}), filtered({}));
  EXPECT_EQ(filtered({.limitBytes = 6}), "one\ntw");
  EXPECT_THROW(filtered({.sinceTime = "yesterday"}), meta::StatusError);
}

TEST(TailOffset, IsWhereTheLastLinesBegin) {
  EXPECT_EQ(tailOffset("a\nb\nc\n", 1), 4u);
  EXPECT_EQ(tailOffset("a\nb\nc\n", 2), 2u);
  EXPECT_EQ(tailOffset("a\nb\nc\n", 9), 0u);
  EXPECT_EQ(tailOffset("a\nb\nc\n", 0), 6u);
  EXPECT_EQ(tailOffset("", 1), 0u);
  EXPECT_EQ(kLog.substr(tailOffset(kLog, 2), 40), "2026-11-23T08:00:01.000000002+00:00 stdo") << "parts are one line";
  EXPECT_EQ(tailOffset(kLog, 3), 0u);
  EXPECT_EQ(countLines(kLog), 3);
}

// Collects what is written; full after each write until it is let go on.
class Collector : public client::ByteSink {
 public:
  bool write(std::string_view data) override {
    std::lock_guard lock(mutex_);
    text_ += data;
    changed_.notify_all();
    return !slow_;
  }
  void finish() override {
    std::lock_guard lock(mutex_);
    finished_ = true;
    changed_.notify_all();
  }
  void onWritable(std::function<void()> handler) override { writable = std::move(handler); }
  void onClosed(std::function<void()> handler) override { closed = std::move(handler); }

  bool waitFor(std::string_view text) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return text_ == text; });
  }
  bool waitFinished() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return finished_; });
  }
  void beSlow() { slow_ = true; }

  std::function<void()> writable, closed;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
  std::atomic<bool> slow_{false};
  bool finished_ = false;
};

class LogReaderTest : public ::testing::Test {
 protected:
  void SetUp() override { append(std::string(kLog)); }

  void append(const std::string& text) {
    base::Fd file(::open(log().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    base::writeAll(file.get(), text, log());
  }
  std::string log() const { return directory_.path() + "/0.log"; }

  void send(const client::LogOptions& options) {
    thread_ = std::jthread([this, options](std::stop_token stop) {
      sendLog({log(), directory_.data(), [this] { return ended_.load(); }}, options, sink_, base::Clock::system().now(),
              stop);
    });
  }
  void end() {
    ended_ = true;
    base::writeFileAtomic(directory_.data() + "/record.json", "{}");
  }

  TestDirectory directory_;
  std::shared_ptr<Collector> sink_ = std::make_shared<Collector>();
  std::atomic<bool> ended_{false};
  std::jthread thread_;
};

TEST_F(LogReaderTest, SendsWhatThereIsAndEnds) {
  send({.tailLines = 1});
  EXPECT_TRUE(sink_->waitFinished());
  EXPECT_TRUE(sink_->waitFor("three\n"));
}

TEST_F(LogReaderTest, FollowsUntilTheContainerHasEnded) {
  send({.follow = true, .tailLines = 1});
  EXPECT_TRUE(sink_->waitFor("three\n"));
  append("2026-11-23T08:00:03.0Z stdout F four\n2026-11-23T08:00:04.0Z stdout F half");
  EXPECT_TRUE(sink_->waitFor("three\nfour\n"));
  append(" a line\n");
  EXPECT_TRUE(sink_->waitFor("three\nfour\nhalf a line\n"));
  append("2026-11-23T08:00:05.0Z stdout F last\n");
  end();
  EXPECT_TRUE(sink_->waitFinished());
  EXPECT_TRUE(sink_->waitFor("three\nfour\nhalf a line\nlast\n"));
}

TEST_F(LogReaderTest, WaitsForASlowReceiverAndStopsWhenItIsGone) {
  sink_->beSlow();
  send({.follow = true});
  EXPECT_TRUE(sink_->waitFor("one\ntwo and more\nthree\n"));
  append("2026-11-23T08:00:03.0Z stdout F four\n");
  sink_->writable();
  EXPECT_TRUE(sink_->waitFor("one\ntwo and more\nthree\nfour\n"));
  sink_->closed();
  EXPECT_TRUE(sink_->waitFinished());
}

TEST_F(LogReaderTest, StopsWhenTheNodeDoes) {
  send({.follow = true});
  EXPECT_TRUE(sink_->waitFor("one\ntwo and more\nthree\n"));
  thread_.request_stop();
  EXPECT_TRUE(sink_->waitFinished());
}

ContainerRecord attempt(int number, bool ended) {
  ContainerRecord record{.podUid = kTestUid, .name = "web", .attempt = number, .log = std::to_string(number)};
  record.startedAt = record.createdAt;
  if (ended) record.finishedAt = record.createdAt;
  return record;
}

std::string chosen(const std::vector<ContainerRecord>& records, const client::LogOptions& options,
                   const char* status = "{}") {
  auto pod = makePod("containers: [{name: web}, {name: other}]", {}, status);
  try {
    return chooseLog(pod, records, options).log;
  } catch (const meta::StatusError& error) {
    return error.message();
  }
}

TEST(ChooseLog, TheNewestAttemptOrThePreviousOne) {
  EXPECT_EQ(chosen({attempt(0, true), attempt(1, false)}, {.container = "web"}), "1");
  EXPECT_EQ(chosen({attempt(0, true), attempt(1, false)}, {.container = "web", .previous = true}), "0");
  EXPECT_EQ(chosen({attempt(0, true), attempt(1, true)}, {.container = "web", .previous = true}), "1");
  EXPECT_EQ(chosen({attempt(0, false)}, {.container = "web", .previous = true}),
            "previous terminated container \"web\" in pod \"web\" not found");
}

TEST(ChooseLog, SaysWhyThereIsNone) {
  EXPECT_EQ(
      chosen({}, {.container = "web"}, "containerStatuses: [{name: web, state: {waiting: {reason: ErrImagePull}}}]"),
      "container \"web\" in pod \"web\" is waiting to start: ErrImagePull");
  EXPECT_EQ(chosen({}, {.container = "nosuch"}), "container nosuch is not valid for pod web");
  EXPECT_EQ(chosen({}, {}), "a container name must be specified for pod web, choose one of: [web other]");
}

TEST(ChooseLog, KnowsContainersOfEverySort) {
  auto of = [](const char* spec, const char* name) {
    try {
      return chooseLog(makePod(spec), {}, {.container = name}).log;
    } catch (const meta::StatusError& error) {
      return error.message();
    }
  };
  const char* many =
      "initContainers: [{name: first}, {name: proxy, restartPolicy: Always}]\n"
      "containers: [{name: web}, {name: other}]\nephemeralContainers: [{name: debugger}]";
  EXPECT_EQ(of(many, ""),
            "a container name must be specified for pod web, choose one of: [first proxy web other debugger]");
  for (std::string name : {"first", "proxy", "debugger"}) {
    EXPECT_EQ(of(many, name.c_str()),
              "container \"" + name + "\" in pod \"web\" is waiting to start: ContainerCreating");
  }
  EXPECT_EQ(of("initContainers: [{name: first}]\ncontainers: [{name: web}]", ""),
            "container \"web\" in pod \"web\" is waiting to start: ContainerCreating")
      << "with one regular container there is nothing to choose";
}

}  // namespace
}  // namespace wherry::kubelet
