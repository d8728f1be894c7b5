#include "kubelet/volumes/local_volumes.h"

#include <gtest/gtest.h>

namespace wherry::kubelet {
namespace {

TEST(LocalVolumePath, IsRightBelowTheDirectory) {
  EXPECT_TRUE(isLocalVolumePath("/data/volumes/pvc-1_ns_claim", "/data/volumes"));
  EXPECT_FALSE(isLocalVolumePath("/data/volumes", "/data/volumes"));
  EXPECT_FALSE(isLocalVolumePath("/data/volumes/", "/data/volumes"));
  EXPECT_FALSE(isLocalVolumePath("/data/volumes/..", "/data/volumes"));
  EXPECT_FALSE(isLocalVolumePath("/data/volumes/../secrets", "/data/volumes"));
  EXPECT_FALSE(isLocalVolumePath("/data/volumes/a/b", "/data/volumes"));
  EXPECT_FALSE(isLocalVolumePath("/data/volumes2/a", "/data/volumes"));
  EXPECT_FALSE(isLocalVolumePath("/etc", "/data/volumes"));
}

}  // namespace
}  // namespace wherry::kubelet
