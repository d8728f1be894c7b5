#include "controllers/wall_deadlines.h"

#include <condition_variable>
#include <mutex>
#include <vector>

#include <gtest/gtest.h>

namespace wherry::controllers {
namespace {

TEST(WallDeadlines, TellEachKeyOnceWhenItIsDue) {
  std::mutex mutex;
  std::condition_variable told;
  std::vector<std::string> keys;
  {
    WallDeadlines deadlines([&](const std::string& key) {
      std::lock_guard lock(mutex);
      keys.push_back(key);
      told.notify_all();
    });
    const auto now = base::Clock::system().now();
    deadlines.set("never", now + std::chrono::hours(1));
    deadlines.set("forgotten", now + std::chrono::milliseconds(20));
    deadlines.forget("forgotten");
    deadlines.set("moved", now + std::chrono::hours(1));
    deadlines.set("later", now + std::chrono::milliseconds(60));
    deadlines.set("moved", now + std::chrono::milliseconds(30));
    deadlines.set("past", now - std::chrono::hours(1));
    std::unique_lock lock(mutex);
    EXPECT_TRUE(told.wait_for(lock, std::chrono::seconds(30), [&] { return keys.size() == 3; }));
  }
  EXPECT_EQ(keys, (std::vector<std::string>{"past", "moved", "later"}));
}

}  // namespace
}  // namespace wherry::controllers
