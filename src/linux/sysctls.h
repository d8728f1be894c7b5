// Kernel settings below /proc/sys, of the calling thread's network namespace for "net/...". Safe from any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wherry::linux {

// "net/ipv4/ip_forward" -> "1", without the line end. Throws std::system_error.
std::string readSysctl(const std::string& name);

// Writes unless the value is already there (so that a read-only /proc/sys with the right values is fine). Throws
// std::system_error.
void writeSysctl(const std::string& name, std::string_view value);

// The same for what a kernel may be built or started without (IPv6): nothing happens when it is missing.
void writeSysctlIfExists(const std::string& name, std::string_view value);

// Changes a setting of the machine in such a way that restoreSysctls() can put it back: what it was goes into the file
// `record` first, unless an earlier change is noted there. `dependents` are settings that the kernel changes along with
// it. The file belongs on a tmpfs, since a reboot undoes the change by itself. Not for two threads at once.
void changeSysctl(const std::string& name, std::string_view value, const std::string& record,
                  const std::vector<std::string>& dependents = {});

// Puts back what the file notes, in its order, and removes it; nothing happens without it.
void restoreSysctls(const std::string& record);

}  // namespace wherry::linux
