// A client that counts another one's requests, as they would be answered over HTTP: the other one needs no HTTP.
#pragma once

#include <memory>
#include <string>

#include "client/client.h"

namespace wherry::client {

// `host`: what they are counted for.
std::unique_ptr<Client> countRequestsOf(std::unique_ptr<Client> client, std::string host);

}  // namespace wherry::client
