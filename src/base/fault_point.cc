#include "base/fault_point.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include <signal.h>
#include <unistd.h>

#include "base/strings.h"

namespace wherry::base {
namespace {

std::atomic<int> passagesLeft{1};

}  // namespace

void fault_point_detail::pass() {
  if (passagesLeft.fetch_sub(1) == 1) ::kill(::getpid(), SIGKILL);
}

void armFaultPoint(std::string_view text) {
  auto parts = splitOnce(text, ':');
  std::string_view name = parts ? parts->first : text;
  int passages = parts ? parseInt<int>(parts->second).value_or(0) : 1;
  const auto* found = std::find(kFaultPoints.begin(), kFaultPoints.end(), name);
  if (found == kFaultPoints.end() || passages < 1) {
    throw std::invalid_argument("WHERRY_FAULT=" + std::string(text) + ": not a fault point (--list-fault-points)");
  }
  passagesLeft = passages;
  fault_point_detail::armed = static_cast<int>(found - kFaultPoints.begin());
}

}  // namespace wherry::base
