// What reconcile loops count about their work, under upstream's names. Safe from any thread.
#pragma once

#include <chrono>
#include <string_view>
#include <vector>

#include "base/metrics.h"

namespace wherry::client {

void countWork(std::string_view queue, std::chrono::nanoseconds took, bool comesBack);

std::vector<const base::metrics::FamilyBase*> workqueueFamilies();

}  // namespace wherry::client
