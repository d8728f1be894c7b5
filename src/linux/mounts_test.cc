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
}

TEST(MountInfo, WhatLiesDeepestIsUnmountedFirstAndNeighboursStay) {
  EXPECT_EQ(targetsBelow(parseMountInfo(kMountInfo), "/var/lib/wherry/pods/a"),
            (std::vector<std::string>{"/var/lib/wherry/pods/a/rootfs/dev shm", "/var/lib/wherry/pods/a/rootfs"}));
}

}  // namespace
}  // namespace wherry::linux
