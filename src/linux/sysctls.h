// Kernel settings below /proc/sys, of the calling thread's network namespace for "net/...". Safe from any thread.
#pragma once

#include <string>
#include <string_view>

namespace wherry::linux {

// "net/ipv4/ip_forward" -> "1", without the line end. Throws std::system_error.
std::string readSysctl(const std::string& name);

// Writes unless the value is already there (so that a read-only /proc/sys with the right values is fine). Throws
// std::system_error.
void writeSysctl(const std::string& name, std::string_view value);

// The same for what a kernel may be built or started without (IPv6): nothing happens when it is missing.
void writeSysctlIfExists(const std::string& name, std::string_view value);

}  // namespace wherry::linux
