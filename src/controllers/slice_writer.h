// Carries out what was decided about the EndpointSlices of a Service, and remembers its writes until they are seen
// (client/own_writes.h). From one thread at a time for one key.
#pragma once

#include <string>
#include <string_view>

#include "client/client.h"
#include "client/own_writes.h"
#include "controllers/endpoint_slice.h"

namespace wherry::controllers {

// For an index: the Service (as the text of its key) of a slice that `manager` keeps; nothing of any other.
std::vector<std::string> serviceOfSlice(const meta::Object& slice, std::string_view manager);

class SliceWriter {
 public:
  explicit SliceWriter(client::Client& client) : client_(client) {}

  // Throws StatusError; in a namespace that is being deleted it does nothing.
  void apply(const std::string& key, const SliceActions& actions);
  bool visible(const std::string& key, const client::Informer& slices) { return writes_.visible(key, slices); }
  void forget(const std::string& key) { writes_.forget(key); }

 private:
  void remove(const std::string& key, const discovery_v1::EndpointSlice& slice);

  client::Client& client_;
  client::OwnWrites writes_;
};

}  // namespace wherry::controllers
