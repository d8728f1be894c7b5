#include <algorithm>

#include "base/strings.h"
#include "schema/table_cells.h"
#include "schema/table_text.h"

namespace wherry::schema {
namespace {

using json::Value;
using Now = base::WallTime;

std::string renderAccessModes(const json::Array& modes) {
  static constexpr std::pair<std::string_view, const char*> kShort[] = {
      {"ReadWriteOnce", "RWO"}, {"ReadOnlyMany", "ROX"}, {"ReadWriteMany", "RWX"}, {"ReadWriteOncePod", "RWOP"}};
  std::vector<std::string> texts;
  for (const auto& [name, abbreviation] : kShort) {
    bool has = std::ranges::any_of(modes, [&, &wanted = name](const Value& mode) {
      return mode.is_string() && std::string_view(mode.get_string()) == wanted;
    });
    if (has) texts.emplace_back(abbreviation);
  }
  return base::join(texts, ",");
}

std::string phaseOf(const Value& object) {
  bool deleting = !json::getString(object, "metadata.deletionTimestamp").empty();
  return deleting ? "Terminating" : std::string(json::getString(object, "status.phase"));
}
Value phase(const Value& object, Now) { return Value(phaseOf(object)); }

Value volumeCapacity(const Value& volume, Now) { return Value(json::getString(volume, "spec.capacity.storage")); }
Value volumeAccessModes(const Value& volume, Now) {
  return Value(renderAccessModes(arrayAt(volume, "spec.accessModes")));
}
Value volumeMode(const Value& volume, Now) { return Value(textAt(volume, "spec.volumeMode", kUnset)); }

Value volumeClaim(const Value& volume, Now) {
  const Value* claim = json::find(volume, "spec.claimRef");
  if (claim == nullptr || claim->is_null()) return "";
  return Value(std::string(json::getString(*claim, "namespace")) + "/" + std::string(json::getString(*claim, "name")));
}

// The annotation is what there was before the field.
Value volumeStorageClass(const Value& object, Now) {
  const Value* annotation =
      objectAt(object, "metadata.annotations").if_contains("volume.beta.kubernetes.io/storage-class");
  return annotation != nullptr ? *annotation : Value(json::getString(object, "spec.storageClassName"));
}

Value volumeAttributesClass(const Value& object, Now) {
  return Value(textAt(object, "spec.volumeAttributesClassName", kUnset));
}

bool isBound(const Value& claim) { return !json::getString(claim, "spec.volumeName").empty(); }
Value claimCapacity(const Value& claim, Now) {
  return isBound(claim) ? Value(json::getString(claim, "status.capacity.storage")) : "";
}
Value claimAccessModes(const Value& claim, Now) {
  return isBound(claim) ? Value(renderAccessModes(arrayAt(claim, "status.accessModes"))) : "";
}

Value storageClassName(const Value& storageClass, Now) {
  std::string name(json::getString(storageClass, "metadata.name"));
  for (const char* key :
       {"storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"}) {
    const Value* annotation = objectAt(storageClass, "metadata.annotations").if_contains(key);
    if (annotation != nullptr && *annotation == Value("true")) return Value(name + " (default)");
  }
  return Value(name);
}
Value storageClassExpansion(const Value& storageClass, Now) {
  return json::getBool(storageClass, "allowVolumeExpansion");
}

Value csiDriverTokenRequests(const Value& driver, Now) {
  const json::Array& requests = arrayAt(driver, "spec.tokenRequests");
  return Value(requests.empty() ? std::string(kUnset) : base::join(collectTexts(requests, "audience"), ","));
}
Value csiDriverModes(const Value& driver, Now) {
  std::vector<std::string> modes;
  for (const Value& mode : arrayAt(driver, "spec.volumeLifecycleModes")) {
    if (mode.is_string()) modes.emplace_back(std::string_view(mode.get_string()));
  }
  return Value(modes.empty() ? std::string(kNone) : base::join(modes, ","));
}
Value csiNodeDrivers(const Value& node, Now) { return arrayAt(node, "spec.drivers").size(); }

Value resourceClaimState(const Value& claim, Now) {
  bool deleted = !json::getString(claim, "metadata.deletionTimestamp").empty();
  const Value* allocation = json::find(claim, "status.allocation");
  std::vector<std::string> states;
  if (deleted) states.emplace_back("deleted");
  if (allocation != nullptr && !allocation->is_null()) {
    states.emplace_back("allocated");
    if (!arrayAt(claim, "status.reservedFor").empty()) states.emplace_back("reserved");
  } else if (!deleted) {
    states.emplace_back("pending");
  }
  return Value(base::join(states, ","));
}
Value resourceSliceNode(const Value& slice, Now) { return Value(json::getString(slice, "spec.nodeName")); }

constexpr NamedCell kCells[] = {
    {"volumeCapacity", volumeCapacity},
    {"volumeAccessModes", volumeAccessModes},
    {"volumeStatus", phase},
    {"volumeClaim", volumeClaim},
    {"volumeStorageClass", volumeStorageClass},
    {"volumeAttributesClass", volumeAttributesClass},
    {"volumeMode", volumeMode},
    {"claimStatus", phase},
    {"claimCapacity", claimCapacity},
    {"claimAccessModes", claimAccessModes},
    {"storageClassName", storageClassName},
    {"storageClassExpansion", storageClassExpansion},
    {"csiDriverTokenRequests", csiDriverTokenRequests},
    {"csiDriverModes", csiDriverModes},
    {"csiNodeDrivers", csiNodeDrivers},
    {"resourceClaimState", resourceClaimState},
    {"resourceSliceNode", resourceSliceNode},
};

}  // namespace

std::span<const NamedCell> storageCells() { return kCells; }

}  // namespace wherry::schema
