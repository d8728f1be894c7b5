#include "main/server_options.h"

#include <stdexcept>

#include <gtest/gtest.h>

namespace wherry::main {
namespace {

TEST(ServerOptions, TokensLiveAnHourAtLeastWhenThereIsABound) {
  const struct {
    const char* given;
    int64_t seconds;  // -1: refused
  } cases[] = {{"0", 0},
               {"0s", 0},
               {"1h", 3600},
               {"24h", 86'400},
               {"1h30m", 5400},
               {"59m59s", -1},
               {"200000h", 720'000'000},
               {"-1h", -1},
               {"1200000h", -1},
               {"500ms", -1},
               {"soon", -1},
               {"", -1}};
  for (const auto& c : cases) {
    ServerOptions options;
    options.maxTokenExpiration = c.given;
    int64_t seconds = -1;
    try {
      seconds = tokenLifeOf(options).longest.count();
    } catch (const std::runtime_error&) {
    }
    EXPECT_EQ(seconds, c.seconds) << c.given;
  }
  EXPECT_TRUE(tokenLifeOf({}).extended);
}

}  // namespace
}  // namespace wherry::main
