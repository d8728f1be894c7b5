#include "linux/cgroup_usage.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "base/fd.h"
#include "base/random.h"

namespace wherry::linux {
namespace {

class CgroupUsageTest : public ::testing::Test {
 protected:
  void SetUp() override { root_ = ::testing::TempDir() + "cgroup-usage-" + base::randomSuffix(); }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void write(const std::string& file, const std::string& text) {
    std::filesystem::path path = root_ + "/" + file;
    std::filesystem::create_directories(path.parent_path());
    base::writeFileAtomic(path.string(), text);
  }

  std::string root_;
};

TEST_F(CgroupUsageTest, ReadsVersion2) {
  write("pod/cpu.stat", "usage_usec 1500000\nuser_usec 1\n");
  write("pod/memory.current", "1000\n");
  write("pod/memory.stat", "anon 7\ninactive_file 300\n");
  auto usage = readCgroupUsage({.version = CgroupVersion::kV2, .hierarchies = {root_}}, "/pod");
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->cpuNanos, 1'500'000'000u);
  EXPECT_EQ(usage->workingSet(), 700u);
}

TEST_F(CgroupUsageTest, TheRootOfVersion2CountsWhatItHas) {
  write("cpu.stat", "usage_usec 1\n");
  write("memory.stat", "anon 700\nfile 500\ninactive_file 400\n");
  EXPECT_EQ(readCgroupUsage({.version = CgroupVersion::kV2, .hierarchies = {root_}}, "")->workingSet(), 800u);
}

TEST_F(CgroupUsageTest, ReadsVersion1FromTwoHierarchies) {
  write("cpuacct/pod/cpuacct.usage", "123\n");
  write("memory/pod/memory.usage_in_bytes", "1000\n");
  write("memory/pod/memory.stat", "inactive_file 1\ntotal_inactive_file 1200\n");
  Cgroups cgroups{.version = CgroupVersion::kV1, .hierarchies = {root_ + "/cpuacct", root_ + "/memory"}};
  auto usage = readCgroupUsage(cgroups, "/pod");
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->cpuNanos, 123u);
  EXPECT_EQ(usage->workingSet(), 0u) << "never below nothing";
  EXPECT_FALSE(readCgroupUsage(cgroups, "/nosuch"));
}

}  // namespace
}  // namespace wherry::linux
