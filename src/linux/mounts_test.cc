#include "linux/mounts.h"

#include <gtest/gtest.h>

namespace wherry::linux {
namespace {

constexpr std::string_view kMountInfo =
    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
    "30 22 0:26 / /var/lib/wherry/pods/a/rootfs rw,relatime - overlay overlay rw,lowerdir=/l\n"
    "31 30 0:27 / /var/lib/wherry/pods/a/rootfs/dev\\040shm rw - tmpfs tmpfs rw\n"
    "32 22 0:28 / /var/lib/wherry/pods/ab rw - tmpfs tmpfs rw\n"
    "33 22 0:29 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "broken line\n";

TEST(MountInfo, ReadsTargetTypeSourceAndOptionsAndUndoesEscapes) {
  auto mounts = parseMountInfo(kMountInfo);
  ASSERT_EQ(mounts.size(), 5u);
  EXPECT_EQ(mounts[0].target, "/");
  EXPECT_EQ(mounts[0].source, "/dev/vda");
  EXPECT_EQ(mounts[2].target, "/var/lib/wherry/pods/a/rootfs/dev shm");
  EXPECT_EQ(mounts[4].fstype, "cgroup");
  EXPECT_EQ(mounts[4].superOptions, "rw,memory");
  EXPECT_EQ(mounts[0].device + mounts[0].root, "8:1/");
  EXPECT_TRUE(mounts[0].shared && !mounts[1].shared);
}

TEST(MountInfo, ADirectoryIsInTheNearestMountAboveIt) {
  const auto mounts = parseMountInfo(kMountInfo);
  const auto holder = [&](std::string_view path) { return findMountOf(mounts, path)->target; };
  EXPECT_EQ(holder("/var/lib/kubelet"), "/");
  EXPECT_EQ(holder("/var/lib/wherry/pods/a/rootfs/etc"), "/var/lib/wherry/pods/a/rootfs");
  EXPECT_EQ(holder("/var/lib/wherry/pods/ab"), "/var/lib/wherry/pods/ab");
}

TEST(MountInfo, TellsWhatIsBoundOnItselfFromWhatIsBroughtFromElsewhere) {
  const auto bound = [](const std::string& line) {
    return isBoundOnItself(parseMountInfo("22 1 8:1 /home /var rw - ext4 /dev/vda rw\n" + line), "/var/lib/kubelet");
  };
  EXPECT_TRUE(bound("40 22 8:1 /home/lib/kubelet /var/lib/kubelet rw shared:7 - ext4 /dev/vda rw\n"));
  EXPECT_FALSE(bound("40 22 8:1 /elsewhere /var/lib/kubelet rw shared:7 - ext4 /dev/vda rw\n"));
  EXPECT_FALSE(bound("40 22 8:2 /home/lib/kubelet /var/lib/kubelet rw shared:7 - ext4 /dev/vdb rw\n"));
  EXPECT_FALSE(bound(""));
}

TEST(MountInfo, WhatLiesDeepestIsUnmountedFirstAndNeighboursStay) {
  EXPECT_EQ(targetsBelow(parseMountInfo(kMountInfo), "/var/lib/wherry/pods/a"),
            (std::vector<std::string>{"/var/lib/wherry/pods/a/rootfs/dev shm", "/var/lib/wherry/pods/a/rootfs"}));
}

}  // namespace
}  // namespace wherry::linux
