#include "kubelet/pods/drain_gate.h"

#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::kubelet {
namespace {

std::vector<meta::ObjectPtr> slices(std::initializer_list<const char*> yaml) {
  std::vector<meta::ObjectPtr> out;
  for (const char* text : yaml) out.push_back(std::make_shared<const meta::Object>(json::parseYaml(text)));
  return out;
}

constexpr const char* kOffering =
    "metadata: {name: a, resourceVersion: '7'}\nendpoints: [{targetRef: {uid: pod}, conditions: {ready: true}}]";
constexpr const char* kMarked =
    "metadata: {name: b, resourceVersion: '9'}\nendpoints: [{targetRef: {uid: pod}, conditions: {ready: false, "
    "terminating: true}}]";

TEST(SliceView, APodInNoSliceNeedsNoWait) {
  EXPECT_FALSE(viewSlices(slices({kOffering}), "other").listed);
  EXPECT_FALSE(viewSlices({}, "pod").listed);
}

TEST(SliceView, APodIsOfferedUntilEverySliceHasMarkedIt) {
  EXPECT_TRUE(viewSlices(slices({kOffering, kMarked}), "pod").offered);
  auto marked = viewSlices(slices({kMarked}), "pod");
  EXPECT_FALSE(marked.offered);
  EXPECT_EQ(marked.revision, 9);
}

}  // namespace
}  // namespace wherry::kubelet
