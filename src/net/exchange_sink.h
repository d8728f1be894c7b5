// A request's answer as somewhere for bytes to flow to: 200 and what is written.
#pragma once

#include <memory>

#include "net/byte_stream.h"
#include "net/server.h"

namespace wherry::net {

// The answer's head, with these headers, goes out with the first bytes or with the end, so that until then another
// answer (an error) may still be given. Safe from any thread.
std::shared_ptr<ByteSink> newExchangeSink(ExchangePtr exchange, Headers headers);

}  // namespace wherry::net
