// Objects of a kind, as trees, out of and into the store: the meeting of stored form, versions and the store's keys.
#pragma once

#include <optional>
#include <string>

#include "apiserver/backend.h"
#include "apiserver/written.h"
#include "json/value.h"
#include "schema/kind.h"
#include "storage/store.h"

namespace wherry::apiserver {

std::string keyOf(const WriteContext& context);

// The entry as a tree in the version of `kind`, with TypeMeta.
json::Value readTree(const schema::Kind& kind, const storage::EntryPtr& entry);

// The tree's form in the store, for the revision that it gets.
storage::Render renderForStore(const schema::Kind& kind, const json::Value& tree);

// The bytes that a client of this version gets (without TypeMeta); shared with the entry when no conversion is needed.
net::Bytes bytesFor(const schema::Kind& kind, const storage::EntryPtr& entry);

// Why the store did not write, as an API error. `resource` and `name` are for its text.
meta::StatusError writeFailure(const storage::Committed& committed, const WriteContext& context);

meta::StatusError conflictWithLatest(const WriteContext& context);

// What a dry run answers: the object as it would be stored. `revision` 0 leaves resourceVersion out.
Written dryRunAnswer(int code, const schema::KindPtr& kind, const json::Value& tree, storage::Revision revision);

}  // namespace wherry::apiserver
