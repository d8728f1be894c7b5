#include "main/service_notifier.h"

#include <cstdlib>
#include <string>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"

namespace wherry::main {
namespace {

// A supervisor's end of the socket.
base::Fd listenOn(const std::string& name) {
  base::Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path, name.size());
  if (name.front() == '@') address.sun_path[0] = '\0';
  auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), length), 0) << name;
  return fd;
}

class ServiceNotifierTest : public testing::TestWithParam<std::string> {};

TEST_P(ServiceNotifierTest, TellsTheSupervisorAndNobodyElse) {
  base::Fd supervisor = listenOn(GetParam());
  ::setenv("NOTIFY_SOCKET", GetParam().c_str(), 1);
  auto notifier = ServiceNotifier::takeFromEnvironment();
  EXPECT_EQ(::getenv("NOTIFY_SOCKET"), nullptr) << "children would inherit it";
  notifier.notify("READY=1\nSTATUS=rowing");
  char buffer[100];
  ssize_t size = ::recv(supervisor.get(), buffer, sizeof buffer, 0);
  ASSERT_GE(size, 0);
  EXPECT_EQ(std::string(buffer, static_cast<size_t>(size)), "READY=1\nSTATUS=rowing");
  ::unlink(GetParam().c_str());
}

INSTANTIATE_TEST_SUITE_P(Sockets, ServiceNotifierTest,
                         testing::Values("/tmp/wherry-notify-" + std::to_string(::getpid()),
                                         "@wherry-notify-" + std::to_string(::getpid())));

TEST(ServiceNotifierTest, WithoutASupervisorNothingHappens) {
  ::unsetenv("NOTIFY_SOCKET");
  ServiceNotifier::takeFromEnvironment().notify("READY=1");
  ::setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
  ServiceNotifier::takeFromEnvironment().notify("READY=1");
}

}  // namespace
}  // namespace wherry::main
