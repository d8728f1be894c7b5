// The garbage collector: what an owner leaves behind is deleted (background), deleted before it (foreground), or let go
// (orphan), by metadata.ownerReferences. https://kubernetes.io/docs/concepts/architecture/garbage-collection/
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/client.h"
#include "controllers/controller.h"
#include "meta/object.h"

namespace wherry::controllers {

std::unique_ptr<Controller> makeGarbageCollector(ControllerContext& context);

// What became of one owner of an object.
enum class OwnerState {
  kSolid,     // it is there (or can't be looked up)
  kDangling,  // it is gone
  kWaiting,   // it is being deleted in the foreground and waits for this object
};

struct OwnerFinding {
  std::string uid;
  OwnerState state;
};

struct DependentAction {
  enum class Kind { kNothing, kDropOwners, kDelete };
  Kind kind = Kind::kNothing;
  std::vector<std::string> ownersToDrop;  // uids
  client::Propagation propagation = client::Propagation::kBackground;
};

// What to do with an object that has these owners. Pure.
enum class Dependents { kNone, kSome };
DependentAction decideDependent(const meta::Object& object, const std::vector<OwnerFinding>& owners,
                                Dependents dependents);

// A merge patch, bound to the version of `object` that it was made from: ownerReferences without these uids.
json::Value withoutOwners(const meta::Object& object, const std::vector<std::string>& uids);

}  // namespace wherry::controllers
