// What a list or watch asks for: selectors, page, revision. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "apiserver/request_info.h"
#include "meta/selector.h"
#include "meta/status.h"
#include "schema/kind.h"
#include "storage/store.h"

namespace wherry::apiserver {

enum class VersionMatch { kUnset, kNotOlderThan, kExact };

struct ListOptions {
  meta::LabelSelector labels;
  meta::FieldSelector fields;
  size_t limit = 0;  // 0: all
  std::string continueToken;
  std::string resourceVersion;     // as sent
  storage::Revision revision = 0;  // the same as a number; 0: any
  VersionMatch match = VersionMatch::kUnset;
  std::optional<std::chrono::seconds> timeout;
  bool sendInitialEvents = false;
  bool hasSendInitialEvents = false;
  bool allowBookmarks = false;
};

// Throws BadRequest or Invalid, in Kubernetes' words. An object's name in the path selects by metadata.name.
ListOptions parseListOptions(const schema::Kind& kind, const RequestInfo& info);

// A page's continuation: the revision it is of and the last key, below the collection's prefix.
struct Continuation {
  static constexpr storage::Revision kNewest =
      -1;  // the rest is of the state as it is then, whatever the first page was
  storage::Revision revision = 0;
  std::string after;
};
std::string encodeContinuation(const Continuation& continuation);
Continuation decodeContinuation(std::string_view token);  // throws BadRequest

}  // namespace wherry::apiserver
