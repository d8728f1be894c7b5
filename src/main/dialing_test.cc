#include "main/dialing.h"

#include <algorithm>
#include <stdexcept>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "main/socket_target.h"

namespace wherry::main {
namespace {

constexpr std::chrono::seconds kPatience{20};

// A TCP socket of 127.0.0.1 at a port of its own.
struct Bound {
  explicit Bound(bool listens) {
    fd.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof own;
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&own), size), 0);
    if (listens) EXPECT_EQ(::listen(fd.get(), 8), 0);
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&own), &size);
    text = targetText("127.0.0.1", ntohs(own.sin_port));
  }
  base::Fd fd;
  std::string text;
};

TEST(DialingTest, WhoListensIsConnectedAndWhoDoesNotRefuses) {
  Bound listener(true), silent(false);
  auto dialed = dialAll({listener.text, silent.text}, kPatience);
  ASSERT_EQ(dialed.size(), 2u);
  EXPECT_EQ(dialed[0].to + " " + dialed[0].outcome, listener.text + " connected");
  EXPECT_EQ(dialed[1].to + " " + dialed[1].outcome, silent.text + " refused");
}

TEST(DialingTest, WhoDoesNotAnswerEndsByTheDeadline) {
  Bound full(false);
  ASSERT_EQ(::listen(full.fd.get(), 0), 0);
  // Connections that nobody accepts fill the queue, and the next one is not answered.
  std::vector<base::Fd> fill;
  for (int i = 0; i < 8; ++i) {
    auto target = parseTarget(full.text);
    fill.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ::connect(fill.back().get(), target->generic(), target->size);
  }
  EXPECT_EQ(dialAll({full.text}, std::chrono::milliseconds(50))[0].outcome, "timeout");
}

TEST(DialingTest, WhatIsNoTargetIsRefused) {
  for (const char* text : {"", "web:80", "10.0.0.1", "10.0.0.1:0", "10.0.0.1:65536", "fd00::1:80", "[10.0.0.1]:80"}) {
    EXPECT_THROW(dialAll({text}, kPatience), std::invalid_argument) << text;
  }
  EXPECT_THROW(dialAll(std::vector<std::string>(kMostDials + 1, "127.0.0.1:1"), kPatience), std::invalid_argument);
  EXPECT_TRUE(parseTarget("[fd00::1]:80"));
}

}  // namespace
}  // namespace wherry::main
