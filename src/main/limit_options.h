// The flags of `wherry server` that bound what clients may do to the API server, and say what is noted of it. Plain
// values.
#pragma once

#include <string>

#include <CLI/App.hpp>

#include "apiserver/audit/log.h"
#include "apiserver/flow/request_observer.h"
#include "net/connection_limits.h"

namespace wherry::main {

struct LimitOptions {
  apiserver::RequestLimits requests;
  net::ConnectionLimits connections;
  int requestSeconds = 60;
  std::string auditPolicy;                // file; empty: nothing is noted
  apiserver::audit::LogOptions auditLog;  // path empty: nothing is noted
};

void declareLimitFlags(CLI::App& parser, LimitOptions& options);

// Reads the policy and opens the log. Throws std::runtime_error or std::system_error with the flag that is wrong.
apiserver::ObserverOptions observerOptions(const LimitOptions& options);

}  // namespace wherry::main
