#include "kubelet/streams/cpu_rate.h"

#include <gtest/gtest.h>

namespace wherry::kubelet {
namespace {

using namespace std::chrono_literals;

constexpr base::WallTime kStart{1'700'000'000s};

// Half a core since the start unless said otherwise.
uint64_t milli(CpuRates& rates, std::chrono::milliseconds after, uint64_t cpuMillis) {
  return rates.rate("web", cpuMillis * 1'000'000, kStart, kStart + after).nanocores / 1'000'000;
}

TEST(CpuRates, TheFirstCallAveragesSinceTheStart) {
  CpuRates rates;
  EXPECT_EQ(milli(rates, 100s, 50'000), 500u);
}

TEST(CpuRates, TheNextOneSinceTheOneBefore) {
  CpuRates rates;
  milli(rates, 100s, 50'000);
  EXPECT_EQ(milli(rates, 110s, 60'000), 1000u);
  EXPECT_EQ(milli(rates, 120s, 60'000), 0u);
}

TEST(CpuRates, CallsThatFollowEachOtherCloselyShareAnOlderSample) {
  CpuRates rates;
  milli(rates, 100s, 50'000);
  EXPECT_EQ(milli(rates, 110s, 60'000), 1000u);
  EXPECT_EQ(milli(rates, 110'200ms, 60'200), 1000u);
  EXPECT_EQ(milli(rates, 110'900ms, 60'900), 1000u);
}

TEST(CpuRates, ASampleOfLongAgoIsNotUsed) {
  CpuRates rates;
  milli(rates, 100s, 100'000);
  EXPECT_EQ(milli(rates, 500s, 100'000), 200u);
}

TEST(CpuRates, ACounterThatWentBackIsAnotherContainers) {
  CpuRates rates;
  milli(rates, 100s, 50'000);
  EXPECT_EQ(milli(rates, 110s, 11'000), 100u);
}

TEST(CpuRates, ForgetsWhatNobodyAskedFor) {
  CpuRates rates;
  milli(rates, 100s, 50'000);
  rates.forget();
  rates.forget();
  EXPECT_EQ(milli(rates, 110s, 55'000), 500u) << "since the start again";
}

}  // namespace
}  // namespace wherry::kubelet
