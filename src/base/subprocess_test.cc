#include "base/subprocess.h"

#include <system_error>

#include <gtest/gtest.h>

namespace wherry::base {
namespace {

TEST(SubprocessTest, BringsBackOutputAndExitCode) {
  Finished finished = run({.argv = {"sh", "-c", "echo out; echo err >&2; exit 3"}});
  EXPECT_EQ(finished.exitCode, 3);
  EXPECT_EQ(finished.out, "out\n");
  EXPECT_EQ(finished.err, "err\n");
  EXPECT_FALSE(finished.ok());
}

TEST(SubprocessTest, FeedsStandardInput) {
  std::string large(300'000, 'x');  // more than a pipe holds, both ways at once
  EXPECT_EQ(run({.argv = {"cat"}, .input = large}).out, large);
  EXPECT_EQ(run({.argv = {"cat"}}).out, "");
}

TEST(SubprocessTest, KeepsOnlySoMuchOutput) {
  Finished finished = run({.argv = {"sh", "-c", "head -c 100000 /dev/zero"}, .outputLimit = 10});
  EXPECT_EQ(finished.out.size(), 10u);
  EXPECT_TRUE(finished.ok());
}

TEST(SubprocessTest, EndsWhatTakesTooLong) {
  Finished finished = run({.argv = {"sh", "-c", "sleep 100"}, .timeout = std::chrono::milliseconds(50)});
  EXPECT_TRUE(finished.timedOut);
  EXPECT_EQ(finished.exitCode, 137);
}

TEST(SubprocessTest, SaysWhichSignalEndedIt) { EXPECT_EQ(run({.argv = {"sh", "-c", "kill -TERM $$"}}).exitCode, 143); }

TEST(SubprocessTest, PassesNothingOfOurEnvironmentButPath) {
  ::setenv("WHERRY_SECRET", "x", 1);
  EXPECT_EQ(run({.argv = {"sh", "-c", "echo $WHERRY_SECRET$GIVEN; test -n \"$PATH\""}, .environment = {"GIVEN=y"}}).out,
            "y\n");
}

TEST(SubprocessTest, AProgramThatIsNotThereIsAnError) {
  try {
    run({.argv = {"no-such-program"}});
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), ENOENT);
  }
  EXPECT_FALSE(findProgram("no-such-program"));
  EXPECT_TRUE(findProgram("sh"));
}

}  // namespace
}  // namespace wherry::base
