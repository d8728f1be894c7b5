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

// Throws StatusError: BadRequest for a token that is none, Expired for a revision that is gone.
Listing listEntries(const Backend& backend, const schema::Kind& kind, std::string_view ns, const ListOptions& options);

// A revision that is still to come is waited for (3 s at most, then 504) without holding a thread: `ready` is called,
// at once or later, with nothing or the error.
using OnReady = std::function<void(std::optional<meta::StatusError>)>;
void awaitRevision(Backend& backend, storage::Revision wanted, OnReady ready);

}  // namespace wherry::apiserver
