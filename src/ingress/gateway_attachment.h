// Which listeners a route attaches to. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ingress/gateway_listeners.h"
#include "ingress/gateway_rules.h"
#include "ingress/sources.h"
#include "meta/selector.h"

namespace wherry::ingress {

// A listener that a route attaches to, and what hosts both are for.
struct Attachment {
  GatewayListener* listener;
  std::vector<std::string> hosts;
};

struct AttachmentOutcome {
  std::optional<Finding> refused;  // Accepted: False
  std::vector<Attachment> attachments;
};

// `reference` names the Gateway whose listeners these are.
AttachmentOutcome attach(const RouteView& route, const gateway_v1::ParentReference& reference,
                         std::vector<GatewayListener>& listeners, const Sources& sources);

}  // namespace wherry::ingress
