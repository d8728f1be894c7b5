#include "kubelet/logs/log_rotation.h"

#include <filesystem>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "kubelet/logs/container_logs.h"
#include "kubelet/logs/log_chain.h"
#include "kubelet/logs/log_files.h"
#include "kubelet/testing/test_host.h"

namespace wherry::kubelet {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

TEST(LogFiles, RotatedNamesSortByTime) {
  EXPECT_EQ(rotatedLogName("/l/0.log", base::WallTime{1'795'638'780'007ms}), "/l/0.log.20261125-203300.007");
}

TEST(NextLook, ComesBeforeALogCanHaveGrownToTwiceItsBound) {
  EXPECT_EQ(nextLook(0, 0, 1000), 1000ms);
  EXPECT_EQ(nextLook(0, 100, 1000), 1000ms) << "a slow one costs a look a second";
  EXPECT_EQ(nextLook(0, 4000, 1000), 500ms);
  EXPECT_EQ(nextLook(900, 1'000'000, 1000), 100ms) << "a flood ten a second";
}

TEST(ContainerLinkName, IsWhatCollectorsExpect) {
  ContainerRecord record{.podUid = "u", .name = "web", .log = "/var/log/pods/default_nginx-1_u/web/0.log"};
  std::string name = containerLinkName(record).value();
  EXPECT_EQ(name.substr(0, 20), "nginx-1_default_web-");
  EXPECT_EQ(name.size(), 20u + 64 + 4);
  record.log = "/elsewhere/0.log";
  EXPECT_FALSE(containerLinkName(record));
}

class LogFileTest : public ::testing::Test {
 protected:
  std::string log() const { return directory_.path() + "/0.log"; }
  void write(const std::string& text, const std::string& file = {}) const {
    std::ofstream(file.empty() ? log() : file, std::ios::app) << text;
  }
  void rotate(const std::string& suffix) const { fs::rename(log(), log() + "." + suffix); }

  static std::string readAll(LogChain& chain) {
    std::string out;
    char buffer[7];  // so that pieces end anywhere
    for (size_t count; (count = chain.read(buffer, sizeof buffer)) > 0;) out.append(buffer, count);
    return out;
  }

  TestDirectory directory_;
};

TEST_F(LogFileTest, AChainIsOneStreamOverAllRotations) {
  write("one\n");
  rotate("20260101-000000.000");
  write("two\n");
  rotate("20260101-000001.000");
  write("three\n");
  LogChain chain(log());
  EXPECT_EQ(readAll(chain), "one\ntwo\nthree\n");
}

TEST_F(LogFileTest, AChainFollowsARotationWithoutMissingALine) {
  write("one\n");
  LogChain chain(log());
  EXPECT_EQ(readAll(chain), "one\n");
  rotate("20260101-000000.000");
  EXPECT_EQ(readAll(chain), "") << "the new file is not there yet";
  write("written between\n", log() + ".20260101-000000.000");
  write("two\n");
  rotate("20260101-000001.000");
  write("three\n");
  EXPECT_EQ(readAll(chain), "written between\ntwo\nthree\n");
  fs::remove(log() + ".20260101-000000.000");
  fs::remove(log() + ".20260101-000001.000");
  write("four\n");
  EXPECT_EQ(readAll(chain), "four\n") << "also when the older ones are deleted";
}

TEST_F(LogFileTest, ATailReachesIntoRotatedFiles) {
  auto tail = [&](int64_t lines) {
    LogChain chain(log());
    chain.seekToTail(lines);
    return readAll(chain);
  };
  write("1\n2\n");
  rotate("20260101-000000.000");
  write("3\n");
  rotate("20260101-000001.000");
  write("4\n5\n");
  EXPECT_EQ(tail(1), "5\n");
  EXPECT_EQ(tail(2), "4\n5\n");
  EXPECT_EQ(tail(3), "3\n4\n5\n");
  EXPECT_EQ(tail(4), "2\n3\n4\n5\n");
  EXPECT_EQ(tail(99), "1\n2\n3\n4\n5\n");
  EXPECT_EQ(tail(0), "");
}

TEST_F(LogFileTest, OnlyTheNewestAreKept) {
  for (const char* when : {"20260101-000000.000", "20260101-000001.000", "20260101-000002.000"}) {
    write(when);
    rotate(when);
  }
  write("now");
  removeOldLogs(log(), 2);
  EXPECT_EQ(listLogFiles(log()), (std::vector{log() + ".20260101-000001.000", log() + ".20260101-000002.000", log()}));
  removeLogFiles(log());
  EXPECT_TRUE(listLogFiles(log()).empty());
}

// Stands for conmon: opens the log anew when it is told to.
class Writer {
 public:
  Writer(std::string log, std::string control) : log_(std::move(log)), control_(std::move(control)) {
    EXPECT_EQ(::mkfifo(control_.c_str(), 0600), 0);
    fifo_ = base::Fd(::open(control_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    reopen();
  }
  void write(const std::string& text) {
    char order[16];
    if (::read(fifo_.get(), order, sizeof order) > 0) reopen();
    base::writeAll(file_.get(), text, log_);
  }

 private:
  void reopen() { file_ = base::Fd(::open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)); }
  std::string log_, control_;
  base::Fd fifo_, file_;
};

TEST_F(LogFileTest, AFloodStaysWithinItsBounds) {
  Writer writer(log(), directory_.path() + "/ctl");
  LogRotation rotation({.maxSize = 1000, .maxFiles = 3});
  rotation.watch(log(), directory_.path() + "/ctl");
  auto deadline = std::chrono::steady_clock::now() + 20s;
  size_t rotations = 0;
  std::string last;
  while (rotations < 5 && std::chrono::steady_clock::now() < deadline) {
    writer.write("0123456789\n");
    auto files = listLogFiles(log());
    ASSERT_LE(files.size(), 3u);
    if (files.size() == 3 && files.front() != last) {
      last = files.front();
      ++rotations;
    }
    std::this_thread::yield();
  }
  EXPECT_EQ(rotations, 5u);
  for (const std::string& file : listLogFiles(log())) {
    if (file == log()) continue;
    EXPECT_GE(fs::file_size(file), 1000u) << "none is set aside too early";
  }
}

TEST_F(LogFileTest, ALogWhoseConmonIsGoneIsLeftAsItIs) {
  {
    Writer writer(log(), directory_.path() + "/ctl");
    writer.write(std::string(2000, 'x'));
  }
  fs::remove(directory_.path() + "/ctl");
  {
    LogRotation rotation({.maxSize = 1000, .maxFiles = 3});
    rotation.watch(log(), directory_.path() + "/ctl");
  }
  EXPECT_EQ(listLogFiles(log()), std::vector{log()});
}

}  // namespace
}  // namespace wherry::kubelet
