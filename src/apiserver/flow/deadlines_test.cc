#include "apiserver/flow/deadlines.h"

#include <future>
#include <string>

#include <gtest/gtest.h>

namespace wherry::apiserver {
namespace {

using namespace std::chrono_literals;

TEST(Deadlines, AreToldInTheirOrderUnlessTheyAreTakenBack) {
  Dispatcher dispatcher;
  Deadlines deadlines(dispatcher);
  std::promise<void> done;
  std::string told;
  auto late = deadlines.add(40ms, [&] {
    told += "b";
    done.set_value();
  });
  auto back = deadlines.add(20ms, [&] { told += "x"; });
  auto early = deadlines.add(10ms, [&] { told += "a"; });
  back.release();
  ASSERT_EQ(done.get_future().wait_for(10s), std::future_status::ready);
  EXPECT_EQ(told, "ab");
}

TEST(Deadlines, AHoldMayOutliveThem) {
  Dispatcher dispatcher;
  Deadlines::Hold hold;
  {
    Deadlines deadlines(dispatcher);
    hold = deadlines.add(1h, [] {});
  }
  hold.release();
}

}  // namespace
}  // namespace wherry::apiserver
