// metadata.managedFields of one object: who owns which of its fields. A value.
#pragma once

#include <map>
#include <string>

#include "json/value.h"
#include "schema/apply_field_set.h"

namespace wherry::schema {

enum class Operation { kApply, kUpdate };

// Whose entry it is. An applier is the same whatever version it applied last.
struct ManagerId {
  Operation operation = Operation::kUpdate;
  std::string name;
  std::string apiVersion;  // "" of an applier
  std::string subresource;

  auto operator<=>(const ManagerId&) const = default;
  std::string text() const;  // `"kubectl" using v1`, as messages name it
};

struct ManagedEntry {
  FieldSet fields;
  std::string apiVersion;
  std::string time;  // RFC 3339; "" when the manager has never changed anything
};

class ManagedFields {
 public:
  // Reads metadata.managedFields of `object`; what can't be read counts as nothing, so that nobody is locked out.
  static ManagedFields of(const json::Value& object);
  // A client that sends [{}] or [] wants all of it forgotten.
  static bool isReset(const json::Value& object);

  bool empty() const { return entries_.empty(); }
  ManagedEntry* find(const ManagerId& id);
  ManagedEntry& entry(const ManagerId& id) { return entries_[id]; }
  void erase(const ManagerId& id) { entries_.erase(id); }
  const std::map<ManagerId, ManagedEntry>& entries() const { return entries_; }

  // Takes fields away from everybody but `except`, and forgets who owns none.
  void disown(const FieldSet& fields, const ManagerId& except);
  void eraseEmpty();
  // Beyond ten updaters the oldest are merged into one.
  void capUpdaters();

  // Writes metadata.managedFields; removes it when there is nothing to say.
  void store(json::Value& object) const;

 private:
  std::map<ManagerId, ManagedEntry> entries_;
};

}  // namespace wherry::schema
