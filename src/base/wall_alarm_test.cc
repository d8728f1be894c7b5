#include "base/wall_alarm.h"

#include <thread>

#include <gtest/gtest.h>

namespace wherry::base {
namespace {

WallTime fromNow(std::chrono::milliseconds time) { return std::chrono::system_clock::now() + time; }

TEST(WallAlarmTest, WakesAtItsTime) {
  WallAlarm alarm;
  WallTime due = fromNow(std::chrono::milliseconds(30));
  EXPECT_EQ(alarm.wait(due), WallAlarm::Woken::kDue);
  EXPECT_GE(std::chrono::system_clock::now(), due);
}

TEST(WallAlarmTest, ATimeThatIsOverIsDueAtOnce) {
  WallAlarm alarm;
  EXPECT_EQ(alarm.wait(fromNow(-std::chrono::hours(1))), WallAlarm::Woken::kDue);
  EXPECT_EQ(alarm.wait(WallTime{} - std::chrono::hours(1)), WallAlarm::Woken::kDue);
}

TEST(WallAlarmTest, IsWokenOnceByEachCall) {
  WallAlarm alarm;
  std::jthread other([&] { alarm.wake(); });
  EXPECT_EQ(alarm.wait(fromNow(std::chrono::hours(1))), WallAlarm::Woken::kWoken);
  EXPECT_EQ(alarm.wait(fromNow(std::chrono::milliseconds(1))), WallAlarm::Woken::kDue);
}

}  // namespace
}  // namespace wherry::base
