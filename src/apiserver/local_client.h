// The Client of this process: straight into the API server's own operations, without HTTP and without serialising what
// is sent. Calls block until the write is durable; what is read is what any HTTP client would read, but that lists and
// watches leave metadata.managedFields out (an update without it keeps it).
#pragma once

#include <memory>

#include "apiserver/backend.h"
#include "apiserver/written.h"
#include "client/client.h"

namespace wherry::apiserver {

// `manager` is recorded in managedFields. The client must not outlive the backend.
std::unique_ptr<client::Client> newLocalClient(Backend& backend, UserPtr user, std::string manager);

}  // namespace wherry::apiserver
