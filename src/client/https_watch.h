// A watch over HTTPS: the server's lines of JSON, read on a thread of the watch's own and handed out as events.
#pragma once

#include <memory>
#include <string_view>

#include "client/client.h"
#include "net/http_client.h"

namespace wherry::client {

// `client` outlives the watch. `host`: what the request is counted for.
std::unique_ptr<Watch> newHttpsWatch(net::HttpClient& client, net::Request request, std::string host);

// One line: {"type":"ADDED","object":{...}}. Throws the StatusError that an ERROR line carries, and 500 for a line that
// is none. Pure.
WatchEvent parseWatchEvent(std::string_view line);

}  // namespace wherry::client
