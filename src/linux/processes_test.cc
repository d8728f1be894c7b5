#include "linux/processes.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

namespace wherry::linux {
namespace {

TEST(ParseProcessStat, ReadsAroundTheName) {
  auto process = parseProcessStat("42 (a) b (c) S 7 42 40 0 -1");
  ASSERT_TRUE(process);
  EXPECT_EQ(process->pid, 42);
  EXPECT_EQ(process->parent, 7);
  EXPECT_EQ(process->session, 40);
  EXPECT_FALSE(process->dead);
  EXPECT_TRUE(parseProcessStat("42 (sh) Z 7 42 40 0")->dead);
  EXPECT_FALSE(parseProcessStat(""));
  EXPECT_FALSE(parseProcessStat("42 (sh)"));
  EXPECT_FALSE(parseProcessStat("42 (sh) S 7"));
}

// A child in a session of its own, with a child of its own; both stop.
pid_t startSession() {
  int ready[2];
  EXPECT_EQ(::pipe(ready), 0);
  pid_t child = ::fork();
  if (child == 0) {
    ::setsid();
    if (::fork() == 0) {
      [[maybe_unused]] ssize_t count = ::write(ready[1], "x", 1);
    }
    for (;;) ::pause();
  }
  char byte;
  EXPECT_EQ(::read(ready[0], &byte, 1), 1);
  ::close(ready[0]);
  ::close(ready[1]);
  return child;
}

// A killed process is not gone yet: waits for that. A pidfd becomes readable then (pidfd_open(2)).
bool hasEnded(const base::Fd& process) {
  constexpr int kTimeoutMilliseconds = 30'000;
  pollfd ended{process.get(), POLLIN, 0};
  return ::poll(&ended, 1, kTimeoutMilliseconds) == 1;
}

TEST(KillSession, EndsAllOfTheSessionAndNobodyElse) {
  pid_t child = startSession(), other = startSession();
  auto mine = childrenOf(::getpid());
  EXPECT_NE(std::find(mine.begin(), mine.end(), child), mine.end());
  EXPECT_FALSE(runDifferentPrograms(child, ::getpid()));
  EXPECT_TRUE(runDifferentPrograms(::getppid(), ::getpid()));
  base::Fd grandchild(static_cast<int>(::syscall(SYS_pidfd_open, childrenOf(child).at(0), 0)));
  ASSERT_TRUE(grandchild);
  killSession(child, listProcesses);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  EXPECT_TRUE(hasEnded(grandchild));
  EXPECT_EQ(::waitpid(other, &status, WNOHANG), 0);
  killSession(other, listProcesses);
  EXPECT_EQ(::waitpid(other, &status, 0), other);
}

}  // namespace
}  // namespace wherry::linux
