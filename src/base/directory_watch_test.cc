#include "base/directory_watch.h"

#include <filesystem>
#include <fstream>
#include <set>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/queue.h"

namespace wherry::base {
namespace {

namespace fs = std::filesystem;

class WatchedDirectory : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "watch-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root = pattern;
    directory = root + "/watched";
  }
  void TearDown() override { fs::remove_all(root); }

  static void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

  // The names and contents that are there as soon as `wanted` are; the test hangs where that never comes.
  void expectFiles(const std::map<std::string, std::string>& wanted) {
    for (;;) {
      auto seen = looks.pop({});
      ASSERT_TRUE(seen);
      if (*seen == wanted) return;
    }
  }

  std::map<std::string, std::string> read() const {
    std::map<std::string, std::string> byName;
    for (const auto& [path, text] : readDirectoryFiles(directory, 100).texts) {
      byName[fs::path(path).filename().string()] = text;
    }
    return byName;
  }

  std::string root, directory;
  Queue<std::map<std::string, std::string>> looks{1000};
};

TEST_F(WatchedDirectory, TellsOfEveryChange) {
  DirectoryWatch watch(directory, [this] { looks.tryPush(read()); });
  expectFiles({});
  write(directory + "/a", "1");
  expectFiles({{"a", "1"}});
  write(directory + "/a", "2");
  expectFiles({{"a", "2"}});
  write(root + "/b", "3");
  fs::rename(root + "/b", directory + "/b");
  expectFiles({{"a", "2"}, {"b", "3"}});
  fs::remove(directory + "/a");
  expectFiles({{"b", "3"}});
  write(root + "/c", "4");
  fs::create_symlink(root + "/c", directory + "/c");
  expectFiles({{"b", "3"}, {"c", "4"}});
  write(directory + "/.hidden", "5");
  fs::rename(directory + "/b", directory + "/d");
  expectFiles({{"c", "4"}, {"d", "3"}});
}

TEST_F(WatchedDirectory, IsMadeAnewWhenItIsGone) {
  DirectoryWatch watch(directory, [this] { looks.tryPush(read()); });
  write(directory + "/a", "1");
  expectFiles({{"a", "1"}});
  fs::remove_all(directory);
  expectFiles({});
  while (!fs::exists(directory)) ASSERT_TRUE(looks.pop({}));
  write(directory + "/b", "2");
  expectFiles({{"b", "2"}});
  fs::rename(directory, root + "/elsewhere");
  expectFiles({});
  while (!fs::exists(directory)) ASSERT_TRUE(looks.pop({}));
  write(directory + "/c", "3");
  expectFiles({{"c", "3"}});
}

TEST_F(WatchedDirectory, FilesThatAreTooLargeAreNotRead) {
  fs::create_directories(directory);
  write(directory + "/small", "1");
  write(directory + "/large", std::string(101, 'x'));
  const auto files = readDirectoryFiles(directory, 100);
  EXPECT_EQ(files.texts, (std::map<std::string, std::string>{{directory + "/small", "1"}}));
  EXPECT_EQ(files.unreadable, (std::map<std::string, std::string>{{directory + "/large", "is larger than 100 bytes"}}));
}

TEST_F(WatchedDirectory, AFileThatIsBeingWrittenIsNotRead) {
  fs::create_directories(directory);
  write(directory + "/other", "1");
  std::ofstream slow(directory + "/slow");
  slow << "half" << std::flush;
  const auto during = readDirectoryFiles(directory, 100);
  EXPECT_EQ(during.texts, (std::map<std::string, std::string>{{directory + "/other", "1"}}));
  EXPECT_EQ(during.beingWritten, (std::set<std::string>{directory + "/slow"}));
  EXPECT_FALSE(during.lacks(directory + "/slow"));
  slow << " and half";
  slow.close();
  EXPECT_EQ(readDirectoryFiles(directory, 100).texts.at(directory + "/slow"), "half and half");
}

TEST_F(WatchedDirectory, LacksOnlyWhatIsGone) {
  fs::create_directories(directory);
  const auto files = readDirectoryFiles(directory, 100);
  write(directory + "/late", "1");
  EXPECT_FALSE(files.lacks(directory + "/late")) << "it may have been replaced while the directory was read";
  EXPECT_TRUE(files.lacks(directory + "/never"));
}

}  // namespace
}  // namespace wherry::base
