// How long pods have to end when the machine goes down, as the kubelet's shutdownGracePeriod and
// shutdownGracePeriodCriticalPods: the critical pods' time is the last part of the whole.
#pragma once

#include <chrono>

namespace wherry::kubelet {

struct ShutdownPeriods {
  std::chrono::seconds total{30};
  std::chrono::seconds critical{10};
};

}  // namespace wherry::kubelet
