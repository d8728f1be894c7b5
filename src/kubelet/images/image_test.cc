#include "kubelet/images/image.h"

#include <limits>

#include <gtest/gtest.h>

namespace wherry::kubelet {
namespace {

TEST(ReadManifest, SizesThatNobodyCouldAddAreAsLargeAsANumberGets) {
  auto manifest = json::parse(R"({"config": {"digest": "sha256:c", "size": 9223372036854775807}, "layers": [
      {"digest": "sha256:a", "size": 9223372036854775807}, {"digest": "sha256:b", "size": 1},
      {"digest": "sha256:d", "size": -5}]})");
  Image image;
  readManifest(manifest, image);
  EXPECT_EQ(image.layers, (std::vector<std::string>{"sha256:a", "sha256:b", "sha256:d"}));
  EXPECT_EQ(image.size, std::numeric_limits<int64_t>::max());
  EXPECT_EQ(manifestBytes(manifest), std::numeric_limits<int64_t>::max());
}

}  // namespace
}  // namespace wherry::kubelet
