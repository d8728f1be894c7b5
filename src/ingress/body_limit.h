// The limit of request bodies, in HAProxy's words. Pure.
//
// A length that the client says is compared at once. What comes without one (HTTP/1.1 chunked, HTTP/2 without
// content-length) is counted as it passes, by a filter of HAProxy's in Lua: nothing else of HAProxy's sees more of a
// body than a buffer holds. docs/decisions/035 says what else there is.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "ingress/config_text.h"

namespace wherry::ingress {

// In a backend's section. More than `limit` bytes are answered with 413, or, where the answer has begun, the request is
// broken off.
void renderBodyLimit(uint64_t limit, ConfigText& text);

// In the global section, and the file beside the configuration that it names: once some section has a limit.
void loadBodyLimits(const std::string& directory, std::map<std::string, std::string>& files, ConfigText& text);

}  // namespace wherry::ingress
