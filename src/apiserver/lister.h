// Lists: the entries of a collection that a request selects, as one page of one revision.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/backend.h"
#include "apiserver/list_options.h"
#include "schema/kind.h"
#include "storage/store.h"

namespace wherry::apiserver {

struct Listing {
  std::vector<storage::EntryPtr> entries;
  storage::Revision revision = 0;
  std::string continueToken;
  std::optional<size_t> remaining;  // known only without selectors
};

// The revision that a list was begun at is gone. `continueToken` gives the rest of it, as it is then; it belongs into
// the Status' own metadata.
struct PageExpired : meta::StatusError {
  explicit PageExpired(std::string token);
  std::string continueToken;
};

// Throws StatusError: BadRequest for a token that is none, PageExpired, Expired for a revision that is gone, Timeout
// for one that is yet to come.
Listing listEntries(const Backend& backend, const schema::Kind& kind, std::string_view ns, const ListOptions& options);

// A revision that is still to come is waited for (3 s at most, then 504) without holding a thread: `ready` is called,
// at once or later, with nothing or the error.
using OnReady = std::function<void(std::optional<meta::StatusError>)>;
void awaitRevision(Backend& backend, storage::Revision wanted, OnReady ready);

}  // namespace wherry::apiserver
