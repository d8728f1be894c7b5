// What the API server itself looks after once it runs: the Service `kubernetes` and its endpoints are made again when
// someone deletes or changes them, and CustomResourceDefinitions become kinds. One thread that follows watches; it
// sleeps while nothing changes.
#pragma once

#include <functional>
#include <memory>

#include "apiserver/bootstrap_objects.h"
#include "apiserver/custom_kinds.h"
#include "client/client.h"

namespace wherry::apiserver {

class Housekeeping {
 public:
  struct Options {
    client::Client& client;
    Advertised advertised;
    CustomKinds& customKinds;
    std::function<void(schema::RegistryPtr)> publish;  // a new registry
    std::function<std::string()> now;
  };
  explicit Housekeeping(Options options);
  ~Housekeeping();  // stops
  Housekeeping(const Housekeeping&) = delete;
  Housekeeping& operator=(const Housekeeping&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Makes `wanted` if it is missing and corrects it if it differs; blocks. Throws StatusError.
void ensureObject(client::Client& client, const BootstrapObject& wanted);

}  // namespace wherry::apiserver
