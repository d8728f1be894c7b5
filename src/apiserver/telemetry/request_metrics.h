// What the API server counts about its requests, under upstream's names. Safe from any thread.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/request_info.h"
#include "base/metrics.h"
#include "schema/kind.h"

namespace wherry::apiserver {

// The labels that all series about a request have. Values come from bounded sets: what no kind serves is "".
struct RequestLabels {
  std::string verb;  // GET, LIST, WATCH, POST, ..., CONNECT
  std::string group, version, resource, subresource, scope;
  std::string dryRun;
  bool mutating = false;
  bool lasting = false;  // a watch or another stream
};

RequestLabels labelsOf(const RequestInfo& info, std::string_view method, const schema::Registry& kinds);

void countStarted(const RequestLabels& labels);
void countEnded(const RequestLabels& labels, int code, std::chrono::nanoseconds took, uint64_t bytes);
// An event that was sent; `initial`: of the state that a watch begins with.
void countWatchEvent(const schema::Kind& kind, uint64_t bytes, bool initial);
void countAuditEvent(bool dropped);

std::vector<const base::metrics::FamilyBase*> requestFamilies();

}  // namespace wherry::apiserver
