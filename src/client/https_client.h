// The Client of a cluster elsewhere: JSON over HTTPS, with the credentials of a kubeconfig. What can't reach the server
// fails with 503 ServiceUnavailable; what the server refuses, with its own Status.
#pragma once

#include <memory>

#include "client/client.h"
#include "client/kubeconfig.h"

namespace wherry::client {

// Throws std::invalid_argument or std::runtime_error when the URL or a certificate is not what it should be. Connects
// only when it is used.
std::shared_ptr<Client> newHttpsClient(const Kubeconfig& config);

}  // namespace wherry::client
