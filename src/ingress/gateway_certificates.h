// The certificates of a listener that ends TLS: Secrets of its own namespace, or of others that allow it. Pure.
#pragma once

#include "ingress/gateway_listeners.h"

namespace wherry::ingress {

// Fills in `certificates`, and `unresolved` when one of them can't be had; the others are served then.
void loadCertificates(GatewayListener& listener, const ListenerInput& input);

}  // namespace wherry::ingress
