#include "linux/listeners.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

namespace wherry::linux {
namespace {

TEST(ListenersTest, ReadsTheKernelsTable) {
  constexpr std::string_view kTable =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
      "   0: 00000000:192B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 "
      "0\n"
      "   1: 0100007F:0035 0100007F:C000 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 "
      "0\n";
  auto listeners = parseSocketTable(kTable, Transport::kTcp);
  ASSERT_EQ(listeners.size(), 1u) << "connections don't listen";
  EXPECT_EQ(listeners[0].port, 6443);
  EXPECT_EQ(listeners[0].inode, 4711u);
  EXPECT_TRUE(parseSocketTable("garbage\n: : 0A\n", Transport::kTcp).empty());
}

TEST(ListenersTest, SeesWhatIsNotAcceptedYet) {
  auto table = [](const char* state, const char* queues) {
    return std::string("   0: 00000000:0050 00000000:0000 ") + state + " " + queues +
           " 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0\n";
  };
  EXPECT_FALSE(anyUnaccepted(table("0A", "00000000:00000000"))) << "nobody waits";
  EXPECT_TRUE(anyUnaccepted(table("0A", "00000000:00000002"))) << "two wait";
  EXPECT_TRUE(anyUnaccepted(table("03", "00000000:00000000"))) << "a handshake";
  EXPECT_FALSE(anyUnaccepted(table("01", "00000000:00000002"))) << "a connection has unread data";
}

TEST(ListenersTest, FindsThisProcess) {
  base::Fd fd(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(fd.get(), 1), 0);
  ASSERT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  std::string holder = findHolder(Transport::kTcp, ntohs(address.sin_port));
  EXPECT_NE(holder.find("process " + std::to_string(::getpid())), std::string::npos) << holder;
}

}  // namespace
}  // namespace wherry::linux
