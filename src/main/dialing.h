// Connections by TCP that are made to see whether they can be, and closed at once. From the calling thread's network
// namespace.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace wherry::main {

// "connected", "refused", "timeout" (no answer at all), or the system's words.
struct Dialed {
  std::string to;
  std::string outcome;
};

inline constexpr size_t kMostDials = 64;

// All of `to` ("10.244.0.7:8080", "[fd00::7]:8080") at the same time, each for `patience` at most. Throws
// std::invalid_argument: one of them is no address and port, or there are more than kMostDials.
std::vector<Dialed> dialAll(const std::vector<std::string>& to, std::chrono::milliseconds patience);

}  // namespace wherry::main
