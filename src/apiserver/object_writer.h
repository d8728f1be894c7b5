// Creates and updates objects: the one way into the store for HTTP requests and in-process components alike.
//
// Every function returns at once; the outcome goes to `done`, for a write once it is durable. What is wrong with a
// request is thrown as StatusError where it is found at once, and handed to `done` where it is found later.
#pragma once

#include <functional>
#include <string>

#include "apiserver/backend.h"
#include "apiserver/draft.h"
#include "apiserver/written.h"
#include "json/value.h"

namespace wherry::apiserver {

// How an update comes by the new object. Called again when another writer was faster, so it must be repeatable.
struct Change {
  // From the stored object (null when missing and `mayCreate`), in the request's version and with TypeMeta.
  std::function<json::Value(const json::Value* stored)> next;
  bool mayCreate = false;  // server-side apply creates what is missing
  Recording recording = Recording::kUpdate;
  // Raw changes (a binding, a deletion mark) are the server's own: not admitted, not recorded, not checked.
  bool raw = false;
  int code = 200;
};

void createObject(Backend& backend, WriteContext context, json::Value body, OnWritten done);
void updateObject(Backend& backend, WriteContext context, Change change, OnWritten done);

// Throws NotFound for a missing namespace and Forbidden for a terminating one.
void requireActiveNamespace(const Backend& backend, const schema::Kind& kind, std::string_view ns,
                            std::string_view name);

}  // namespace wherry::apiserver
