#include "controllers/batches.h"

#include <atomic>
#include <set>
#include <stdexcept>

#include <gtest/gtest.h>

#include "base/guarded.h"

namespace wherry::controllers {
namespace {

TEST(Batches, EachIsDoneOnce) {
  for (const int64_t count : {0, 1, 2, 5, 100}) {
    base::Guarded<std::set<int64_t>> seen;
    const auto outcome = doInBatches(count, [&](int64_t index) {
      EXPECT_TRUE(seen.with([&](auto& indexes) { return indexes.insert(index).second; })) << index;
    });
    EXPECT_EQ(outcome.done, count);
    EXPECT_FALSE(outcome.error);
    EXPECT_EQ(seen.copy().size(), static_cast<size_t>(count));
  }
}

TEST(Batches, AFailureEndsThemEarly) {
  std::atomic<int> calls = 0;
  const auto outcome = doInBatches(1000, [&](int64_t index) {
    ++calls;
    if (index == 4) throw std::runtime_error("full");
  });
  EXPECT_EQ(calls, 7) << "1 + 2 + 4: the batch goes on to its end";
  EXPECT_EQ(outcome.done, 6);
  EXPECT_THROW(std::rethrow_exception(outcome.error), std::runtime_error);
}

TEST(Batches, WhatFailsAtOnceCostsOneRequest) {
  std::atomic<int> calls = 0;
  doInBatches(1000, [&](int64_t) {
    ++calls;
    throw std::runtime_error("full");
  });
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace wherry::controllers
