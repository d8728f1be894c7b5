// What clients count about their requests, under upstream's names. Safe from any thread.
#pragma once

#include <chrono>
#include <string_view>
#include <vector>

#include "base/metrics.h"

namespace wherry::client {

inline constexpr int kNoAnswer = 0;  // in place of an HTTP code

// `host`: where the server is; "local": in this process.
void countRequest(std::string_view host, std::string_view method, int code, std::chrono::nanoseconds took);

std::vector<const base::metrics::FamilyBase*> requestFamilies();

}  // namespace wherry::client
