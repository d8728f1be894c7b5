// Carries out a postStart or preStop hook: a command, an HTTP request, a sleep. Blocks until it is over. Safe from any
// thread.
#pragma once

#include <chrono>
#include <stop_token>
#include <string_view>

#include "kubelet/probes/probe_action.h"

namespace wherry::kubelet {

// `pod` is its description in messages, "web_default(<uid>)". A request has succeeded when anything answers it,
// whatever the status. A tcpSocket hook can be written down and fails (the API has it for compatibility alone). What
// takes longer than `atMost` is ended and has failed, but for a sleep. A stop ends a sleep.
ProbeAnswer runHook(const core_v1::LifecycleHandler& hook, const ProbeTarget& target, std::string_view pod,
                    std::chrono::milliseconds atMost, std::stop_token stop);

}  // namespace wherry::kubelet
