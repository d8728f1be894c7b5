// Numbers, lists and ports in sentences. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wherry::cli {

std::string counted(size_t count, std::string_view noun);  // "1 pod", "3 pods"
// "a, b, c and 4 more": five of them at most.
std::string listed(const std::vector<std::string>& texts);
std::string atPort(std::string_view address, int64_t port);  // "10.96.0.1:80", "[fd00::1]:80"
bool isIpv6(std::string_view address);

}  // namespace wherry::cli
