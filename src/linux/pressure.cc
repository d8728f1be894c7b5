#include "linux/pressure.h"

#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace wherry::linux {

std::optional<base::Fd> openPressureTrigger(std::string_view resource, std::chrono::microseconds stall,
                                            std::chrono::microseconds window) {
  base::Fd file(::open(fmt::format("/proc/pressure/{}", resource).c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!file) return std::nullopt;
  const std::string trigger = fmt::format("some {} {}", stall.count(), window.count());
  // Its end, a zero, belongs to it.
  if (::write(file.get(), trigger.c_str(), trigger.size() + 1) < 0) return std::nullopt;
  return file;
}

}  // namespace wherry::linux
