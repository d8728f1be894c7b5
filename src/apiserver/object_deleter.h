// Deletes objects, one or a collection. As object_writer.h: returns at once, the outcome goes to `done`.
#pragma once

#include <string>
#include <vector>

#include "apiserver/backend.h"
#include "apiserver/draft.h"
#include "apiserver/written.h"
#include "client/client.h"

namespace wherry::apiserver {

void deleteObject(Backend& backend, WriteContext context, client::DeleteOptions options, OnWritten done);

// Deletes these entries of the context's kind, each as deleteObject would. Answers once all are done: the first error,
// or how many there were is up to the caller.
void deleteEach(Backend& backend, const WriteContext& context, const std::vector<storage::EntryPtr>& entries,
                const client::DeleteOptions& options, OnWritten done);

// The part of admission that an object's removal takes: hooks give back what the object held. Its prepare functions run
// for the removal alone, not when an object is only marked.
std::shared_ptr<Reservations> admitRemoval(const Backend& backend, const WriteContext& context, json::Value& object);

}  // namespace wherry::apiserver
