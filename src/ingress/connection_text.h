// How connections come from a port to where their TLS ends: by the name in the ClientHello. Pure.
//
// The port's own frontend looks at it, and leads them on: to a backend that ends TLS itself, or to frontends behind it
// that end TLS here: one for the port's routes (inner-443), one for what isn't looked into (stream-443).
#pragma once

#include <string>

#include "ingress/frontend_text.h"

namespace wherry::ingress {

// REQUIRES: the port has passthroughs. Writes all but the frontend of the port's routes.
void renderConnections(const Port& port, const FrontendContext& context, ConfigText& text);

// Where that one listens.
std::string innerSocket(const Port& port);

// Behind "bind": that TLS ends here, with the certificates of the port. Adds their list to the context's files.
std::string tlsWords(const Port& port, const FrontendContext& context);

}  // namespace wherry::ingress
