#include "linux/cgroups.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace wherry::linux {
namespace {

constexpr std::string_view kControllers =
    "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"
    "cpu\t1\t1\t1\n"
    "memory\t4\t16\t1\n"
    "hugetlb\t0\t1\t1\n"
    "rdma\t0\t1\t0\n";

TEST(Cgroups, OneUnifiedMountIsVersionTwo) {
  auto cgroups = detectCgroups(parseMountInfo("1 0 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"), kControllers);
  EXPECT_EQ(cgroups.version, CgroupVersion::kV2);
  EXPECT_EQ(cgroups.hierarchies, std::vector<std::string>{"/sys/fs/cgroup"});
  EXPECT_EQ(cgroups.processHierarchy, "/sys/fs/cgroup");
  EXPECT_TRUE(cgroups.missingControllers.empty());
}

TEST(Cgroups, AHybridIsVersionOneAndNamesTheEnabledControllersThatAreMountedNowhere) {
  auto cgroups = detectCgroups(parseMountInfo("1 0 0:1 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
                                              "2 0 0:2 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
                                              "3 0 0:3 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n"
                                              "4 0 0:4 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"),
                               kControllers);
  EXPECT_EQ(cgroups.version, CgroupVersion::kV1);
  EXPECT_EQ(cgroups.hierarchies.size(), 4u) << "crun makes its groups in all of them";
  EXPECT_EQ(cgroups.processHierarchy, "/sys/fs/cgroup/systemd");
  EXPECT_EQ(cgroups.missingControllers, std::vector<std::string>{"hugetlb"});
}

TEST(Cgroups, LimitsAreWrittenInTheWordsOfEachVersion) {
  auto rendered = [](CgroupVersion version, const CgroupLimits& limits) {
    std::string out;
    for (const CgroupSetting& setting : renderLimits(version, limits)) {
      out += std::string(setting.file) + " " + setting.text + "\n";
    }
    return out;
  };
  const CgroupLimits some{512, 50'000, 64 << 20, 100};
  EXPECT_EQ(rendered(CgroupVersion::kV1, some),
            "cpu.shares 512\ncpu.cfs_quota_us 50000\nmemory.limit_in_bytes 67108864\npids.max 100\n");
  EXPECT_EQ(rendered(CgroupVersion::kV2, some),
            "cpu.weight 20\ncpu.max 50000 100000\nmemory.max 67108864\npids.max 100\n");
  EXPECT_EQ(rendered(CgroupVersion::kV1, {2, {}, {}, {}}),
            "cpu.shares 2\ncpu.cfs_quota_us -1\nmemory.limit_in_bytes -1\npids.max max\n");
  EXPECT_EQ(rendered(CgroupVersion::kV2, {2, {}, {}, {}}),
            "cpu.weight 1\ncpu.max max 100000\nmemory.max max\npids.max max\n");
  EXPECT_EQ(rendered(CgroupVersion::kV2, {262144, {}, {}, {}}).substr(0, 17), "cpu.weight 10000\n");
}

TEST(Cgroups, AProcessThatIsNotThereIsInNoGroup) {
  EXPECT_FALSE(isInCgroup(0, ""));
  EXPECT_TRUE(isInCgroup(::getpid(), ""));
  EXPECT_FALSE(isInCgroup(::getpid(), "/wherry/podx/none"));
}

}  // namespace
}  // namespace wherry::linux
