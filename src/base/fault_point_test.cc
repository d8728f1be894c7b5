#include "base/fault_point.h"

#include <set>
#include <stdexcept>

#include <gtest/gtest.h>

namespace wherry::base {
namespace {

void passTwice(std::string_view armed) {
  armFaultPoint(armed);
  faultPoint("sandbox-recorded");
  faultPoint("sandbox-recorded");
}

TEST(FaultPoint, NamesAreDistinct) {
  EXPECT_EQ(std::set(kFaultPoints.begin(), kFaultPoints.end()).size(), kFaultPoints.size());
}

TEST(FaultPoint, IsHarmlessUnlessArmed) {
  faultPoint("sandbox-recorded");
  SUCCEED();
}

TEST(FaultPointDeathTest, EndsTheProcessAtTheNthPassageOfThatPoint) {
  EXPECT_EXIT(passTwice("sandbox-recorded"), testing::KilledBySignal(SIGKILL), "");
  EXPECT_EXIT(passTwice("sandbox-recorded:2"), testing::KilledBySignal(SIGKILL), "");
  EXPECT_EXIT((passTwice("sandbox-recorded:3"), std::exit(7)), testing::ExitedWithCode(7), "");
  EXPECT_EXIT((passTwice("pod-deleted"), std::exit(7)), testing::ExitedWithCode(7), "");
}

TEST(FaultPoint, RefusesWhatIsNoPoint) {
  EXPECT_THROW(armFaultPoint("nosuch"), std::invalid_argument);
  EXPECT_THROW(armFaultPoint("pod-deleted:0"), std::invalid_argument);
  EXPECT_THROW(armFaultPoint("pod-deleted:x"), std::invalid_argument);
}

}  // namespace
}  // namespace wherry::base
