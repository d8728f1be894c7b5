// Documents that say what the server offers: discovery, OpenAPI, version. Rendered when first asked for, kept while
// they are in use (they are large), dropped a minute later and whenever the registry changes. Safe from any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "apiserver/backend.h"
#include "apiserver/request_info.h"
#include "net/http.h"

namespace wherry::apiserver {

class DiscoveryCache {
 public:
  explicit DiscoveryCache(Backend& backend);
  ~DiscoveryCache();
  DiscoveryCache(const DiscoveryCache&) = delete;
  DiscoveryCache& operator=(const DiscoveryCache&) = delete;

  // The answer to a path that is none of a resource; nothing when it is none of discovery's either. Throws
  // NotAcceptable.
  std::optional<net::Response> answer(const RequestInfo& info, const net::Request& request);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace wherry::apiserver
