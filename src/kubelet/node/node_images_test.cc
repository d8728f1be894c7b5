#include "kubelet/node/node_images.h"

#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::kubelet {
namespace {

Image image(const char* name, const char* id, int64_t size) {
  Image out;
  out.name = name;
  out.sourceDigest = std::string("sha256:") + id;
  out.configDigest = id;
  out.size = size;
  return out;
}

TEST(NodeImages, TheLargestComesFirstAndNamesOfOneImageAreTogether) {
  auto rendered = renderNodeImages({image("docker.io/library/a:1", "1", 10), image("docker.io/library/b:1", "2", 30),
                                    image("docker.io/library/b:2", "2", 30)});
  EXPECT_EQ(json::renderYaml(rendered),
            "- names:\n"
            "  - docker.io/library/b@sha256:2\n"
            "  - docker.io/library/b:1\n"
            "  - docker.io/library/b:2\n"
            "  sizeBytes: 30\n"
            "- names:\n"
            "  - docker.io/library/a@sha256:1\n"
            "  - docker.io/library/a:1\n"
            "  sizeBytes: 10\n");
}

TEST(NodeImages, AreFiftyAtMost) {
  std::vector<Image> many;
  for (int i = 0; i < 60; ++i) many.push_back(image(("a:" + std::to_string(i)).c_str(), std::to_string(i).c_str(), i));
  auto rendered = renderNodeImages(many);
  ASSERT_EQ(rendered.size(), 50u);
  EXPECT_EQ(json::getInt(rendered[0], "sizeBytes"), 59);
}

}  // namespace
}  // namespace wherry::kubelet
