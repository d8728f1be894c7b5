// What is spoken after an upgrade: whatever the RawConnection's user makes of the bytes.
#pragma once

#include <memory>
#include <string>

#include "net/connection.h"
#include "net/raw_stream.h"

namespace wherry::net {

// `leftover`: bytes that came behind the request.
std::unique_ptr<Protocol> newRawProtocol(Connection& connection, std::shared_ptr<RawStream> stream,
                                         std::string leftover);

}  // namespace wherry::net
