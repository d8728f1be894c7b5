#include "kubelet/images/image_garbage.h"

#include <gtest/gtest.h>

#include "base/strings.h"

namespace wherry::kubelet {
namespace {

using namespace std::chrono_literals;

constexpr base::WallTime kNow{1'800'000'000s};

ImageUse unused(const char* name, int64_t size, std::chrono::seconds ago) {
  return {.name = name, .imageId = name, .size = size, .lastUsed = kNow - ago};
}

struct Case {
  const char* name;
  std::vector<ImageUse> images;
  uint64_t bytes;
  const char* remove;
  std::optional<base::WallTime> again;
};

TEST(ImageGarbage, TheLongestUnusedGoFirstAndNoMoreThanNeeded) {
  ImageUse used = unused("used", 500, 1h), imported = unused("imported", 500, 1h);
  used.inUse = true;
  imported.imported = true;
  const Case cases[] = {
      {"the oldest is enough", {unused("b", 100, 5min), unused("a", 100, 1h)}, 100, "a", {}},
      {"so many as it takes", {unused("b", 100, 5min), unused("a", 100, 1h)}, 101, "a b", {}},
      {"what a container uses stays", {used, unused("a", 10, 5min)}, 100, "a", {}},
      {"what was imported by hand stays", {imported, unused("a", 10, 5min)}, 100, "a", {}},
      {"what has just come stays until it is old enough",
       {unused("a", 100, 30s), unused("b", 9, 3min)},
       50,
       "b",
       kNow + 90s},
      {"nothing is there to go", {used, imported}, 100, "", {}},
      {"nothing is needed", {unused("a", 100, 1h)}, 0, "", {}},
  };
  for (const Case& c : cases) {
    GarbageDecision decision = decideGarbage(c.images, c.bytes, kNow);
    EXPECT_EQ(base::join(decision.remove, " "), c.remove) << c.name;
    EXPECT_EQ(decision.again, c.again) << c.name;
  }
}

TEST(ImageGarbage, BeginsAtEightyFivePercentAndEndsAtEighty) {
  EXPECT_EQ(bytesToFree({.capacity = 1000, .available = 160}), 0u);
  EXPECT_EQ(bytesToFree({.capacity = 1000, .available = 150}), 50u);
  EXPECT_EQ(bytesToFree({.capacity = 1000, .available = 0}), 200u);
  EXPECT_EQ(bytesToFree({}), 0u);
}

}  // namespace
}  // namespace wherry::kubelet
