#include <algorithm>

#include <fmt/format.h>

#include "cli/doctor/findings.h"
#include "cli/doctor/phrases.h"

namespace wherry::cli {
namespace {

bool anyOnNode(const std::vector<EndpointFact>& endpoints, std::string_view node) {
  return std::any_of(endpoints.begin(), endpoints.end(), [&](auto& endpoint) { return endpoint.node == node; });
}

}  // namespace

void addPolicyFindings(const ServiceFacts& facts, Findings& findings) {
  auto spec = facts.service.spec();
  std::string_view node = json::getString(facts.kernel, "node");
  auto usable = usableEndpoints(facts);
  bool inside = spec.internalTrafficPolicy() == "Local", outside = spec.externalTrafficPolicy() == "Local";
  if (node.empty() || usable.empty() || (!inside && !outside) || isHeadless(facts.service)) return;
  std::string whose =
      usable.size() == 1 ? "its only endpoint is not" : fmt::format("none of its {} endpoints is", usable.size());
  whose += fmt::format(" on this node ({})", node);
  if (anyOnNode(usable, node)) {
    findings.push_back({"traffic policy", Level::kOk, fmt::format("Local, and this node ({}) has endpoints", node)});
  } else if (inside) {
    findings.push_back({"traffic policy", Level::kFail, "internalTrafficPolicy is Local and " + whose});
  } else {
    findings.push_back({"traffic policy",
                        Level::kNote,
                        "externalTrafficPolicy is Local and " + whose,
                        {"what comes from outside to this node is dropped"}});
  }
}

}  // namespace wherry::cli
