// The HTTP request of a probe or a hook. Certificates are not verified. Blocks until the answer or the time-out. Safe
// from any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "kubelet/probes/probe_action.h"
#include "net/http.h"

namespace wherry::kubelet {

// The request of a probe; `authority` is what the Host field says unless a field of the probe's own does. Pure.
net::Request httpProbeRequest(const core_v1::HTTPGetAction& action, const std::string& authority);

// Status 0 and why, when there was no answer. Redirections within the same host are followed, ten at most; the answer
// of one that leads elsewhere is the answer.
struct HttpAnswer {
  int status = 0;
  std::string error;
};
HttpAnswer requestHttp(const core_v1::HTTPGetAction& action, const ProbeTarget& target,
                       std::chrono::milliseconds timeout);

// A success from 200 to 399.
ProbeAnswer probeHttp(const core_v1::HTTPGetAction& action, const ProbeTarget& target,
                      std::chrono::milliseconds timeout);

struct HttpTarget {
  std::string scheme;  // "http", "https"
  std::string host;
  int port = 0;
  std::string path;  // with the query

  std::string url() const;
};
// Where a Location leads from here (RFC 9110 section 10.2.2); nothing when that is nowhere over HTTP. Pure.
std::optional<HttpTarget> resolveLocation(const HttpTarget& from, std::string_view location);

}  // namespace wherry::kubelet
