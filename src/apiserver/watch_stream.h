// Answers a watch over HTTP: a stream of events, one JSON object a line, until the client goes, the time that it asked
// for is over, or it falls behind. Fed on the dispatcher's thread; held back while the client does not read.
#pragma once

#include <string>

#include "apiserver/answer.h"
#include "apiserver/backend.h"
#include "apiserver/list_options.h"
#include "net/server.h"
#include "schema/kind.h"

namespace wherry::apiserver {

// Returns at once; the stream lives on its own. Throws StatusError when the watch can't begin.
void startWatchStream(Backend& backend, schema::KindPtr kind, std::string ns, ListOptions options, View view,
                      net::ExchangePtr exchange);

}  // namespace wherry::apiserver
