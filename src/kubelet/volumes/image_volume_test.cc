#include "kubelet/volumes/image_volume.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "base/fd.h"
#include "kubelet/testing/test_host.h"
#include "linux/mounts.h"

namespace wherry::kubelet {
namespace {

namespace fs = std::filesystem;

TEST(ImageVolume, ShowsTheLayersTheUppermostFirst) {
  SKIP_WITHOUT_HOST();
  TestDirectory directory;
  const std::string upper = directory.path() + "/upper", lower = directory.path() + "/lower";
  const std::string target = directory.path() + "/target";
  for (const auto& layer : {upper, lower}) fs::create_directories(layer);
  base::writeFileAtomic(upper + "/file", "new");
  base::writeFileAtomic(lower + "/file", "old");
  base::writeFileAtomic(lower + "/other", "there");
  EXPECT_FALSE(isImageMounted(target));
  mountImage({upper, lower}, target);
  EXPECT_TRUE(isImageMounted(target));
  EXPECT_EQ(base::readFile(target + "/file") + " " + base::readFile(target + "/other"), "new there");
  EXPECT_THROW(base::writeFileAtomic(target + "/new", "x"), std::system_error);
  linux::unmount(target);
  mountImage({lower}, target);  // a single layer
  EXPECT_EQ(base::readFile(target + "/file"), "old");
}

// What a driver mounts in its pod is to reach the node (docs/decisions/025-volumes.md).
TEST(SharedMounts, ADirectoryOfAMountThatIsNotSharedBecomesOne) {
  SKIP_WITHOUT_HOST();
  TestDirectory directory;
  const std::string root = directory.path() + "/kubelet";
  fs::create_directories(root);
  linux::makeShared(root);
  auto mounts = linux::readMounts();
  EXPECT_EQ(linux::findMountOf(mounts, root + "/plugins")->target, root);
  EXPECT_TRUE(linux::findMountOf(mounts, root)->shared && linux::isBoundOnItself(mounts, root));
  linux::makeShared(root);  // once is enough
  EXPECT_EQ(linux::readMounts().size(), mounts.size());
  linux::unmount(root);
  EXPECT_FALSE(linux::isBoundOnItself(linux::readMounts(), root));
}

}  // namespace
}  // namespace wherry::kubelet
