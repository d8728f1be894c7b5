// Server-side apply and the bookkeeping of other writes (KEP-555). The rules are structured-merge-diff's: an applier
// owns what it applied last, and what it no longer applies is removed unless somebody else owns it.
#include <fmt/format.h>

#include "base/strings.h"
#include "schema/apply_managers.h"
#include "schema/apply_mistakes.h"
#include "schema/apply_typed.h"
#include "schema/merge.h"

namespace wherry::schema {
namespace {

// Fields that nobody owns: the server's own, and those that name the object.
const FieldSet& unownedFields() {
  static const FieldSet kFields = FieldSet::fromJson(json::parse(R"({"f:apiVersion":{},"f:kind":{},"f:metadata":{".":{},
      "f:name":{},"f:namespace":{},"f:creationTimestamp":{},"f:selfLink":{},"f:uid":{},"f:clusterName":{},
      "f:generation":{},"f:managedFields":{},"f:resourceVersion":{}}})"));
  return kFields;
}

// The part of an object that a write through this endpoint can't change.
const FieldSet& foreignFields(const Kind& kind, std::string_view subresource) {
  static const FieldSet kNone;
  static const FieldSet kStatus{false, {{"f:status", FieldSet{true, {}}}}};
  static const FieldSet kSpec{false, {{"f:spec", FieldSet{true, {}}}}};
  if (subresource == "status") return kSpec;
  return subresource.empty() && kind.findSubresource("status") != nullptr ? kStatus : kNone;
}

// `fields` without what lies at or below the members of `removed`.
FieldSet withoutSubtrees(const FieldSet& fields, const FieldSet& removed) {
  FieldSet result{fields.member, {}};
  for (const auto& [element, child] : fields.children) {
    const FieldSet* below = removed.find(element);
    if (below == nullptr) {
      result.attach(element, child);
    } else if (!below->member) {
      result.attach(element, withoutSubtrees(child, *below));
    }
  }
  return result;
}

// What of `fields` a writer through this endpoint may own.
FieldSet ownable(const Kind& kind, std::string_view subresource, const FieldSet& fields) {
  return withoutSubtrees(fields, foreignFields(kind, subresource)).minus(unownedFields());
}

Comparison compareOwnable(const Kind& kind, std::string_view subresource, const json::Value& before,
                          const json::Value& after) {
  Comparison comparison = compareObjects(*kind.schema, before, after);
  comparison.added = ownable(kind, subresource, comparison.added);
  comparison.modified = ownable(kind, subresource, comparison.modified);
  comparison.removed = ownable(kind, subresource, comparison.removed);
  return comparison;
}

struct Conflict {
  ManagerId manager;
  std::string path;
};

std::vector<Conflict> findConflicts(const ManagedFields& managed, const FieldSet& changed, const ManagerId& self) {
  std::vector<Conflict> conflicts;
  for (const auto& [id, entry] : managed.entries()) {
    if (id == self) continue;
    entry.fields.intersect(changed).visit([&, &manager = id](const std::string& path) {
      conflicts.push_back({manager, path});
    });
  }
  return conflicts;
}

std::string conflictMessage(const std::vector<Conflict>& conflicts) {
  if (conflicts.size() == 1) {
    return fmt::format("Apply failed with 1 conflict: conflict with {}: {}", conflicts[0].manager.text(),
                       conflicts[0].path);
  }
  std::string message = fmt::format("Apply failed with {} conflicts: ", conflicts.size());
  std::string lines;
  for (size_t i = 0; i < conflicts.size(); ++i) {
    bool sameManager = i > 0 && conflicts[i].manager == conflicts[i - 1].manager;
    if (!sameManager) lines += fmt::format("{}conflicts with {}:", i > 0 ? "\n" : "", conflicts[i].manager.text());
    lines += "\n- " + conflicts[i].path;
  }
  return message + lines;
}

meta::StatusError applyConflict(const std::vector<Conflict>& conflicts) {
  json::Array causes;
  for (const Conflict& conflict : conflicts) {
    causes.push_back(json::Object{{"reason", "FieldManagerConflict"},
                                  {"message", "conflict with " + conflict.manager.text()},
                                  {"field", conflict.path}});
  }
  meta::StatusError error(409, "Conflict", conflictMessage(conflicts));
  error.withDetails({{"causes", std::move(causes)}});
  return error;
}

// `namespace/name; group/version, Kind=Kind`
std::string describe(const Kind& kind, const json::Value& object) {
  return fmt::format("{}/{}; {}/{}, Kind={}", json::getString(object, "metadata.namespace"),
                     json::getString(object, "metadata.name"), kind.resource.group, kind.resource.version,
                     kind.resource.kind);
}

void refuseMistakes(const Kind& kind, const json::Value& applied) {
  std::vector<std::string> mistakes = applyMistakes(*kind.schema, applied);
  if (mistakes.empty()) return;
  std::string text = mistakes.size() == 1 ? mistakes[0] : fmt::format("errors:\n  {}", fmt::join(mistakes, "\n  "));
  throw meta::StatusError(500, "",
                          fmt::format("failed to create typed patch object ({}): {}", describe(kind, applied), text));
}

// Removes from `merged` what the applier owned before and nobody owns now.
json::Value dropAbandoned(const Node& schema, const json::Value& merged, const FieldSet& lastApplied,
                          const ManagedFields& managed) {
  if (lastApplied.empty()) return merged;
  FieldSet last = withNamedFields(schema, lastApplied);
  FieldSet all = withNamedFields(schema, fieldsOf(schema, merged));
  FieldSet kept = withNamedFields(schema, fieldsOf(schema, withoutFields(schema, merged, last)));
  for (const auto& [id, entry] : managed.entries()) kept.unite(withNamedFields(schema, entry.fields));
  // What somebody owns is kept, and with it what nobody owns but stands beside it.
  json::Value pruned = withoutFields(schema, merged, all.minus(kept));
  FieldSet remaining = withNamedFields(schema, fieldsOf(schema, pruned));
  return withoutFields(schema, merged, all.minus(remaining).intersect(last));
}

json::Value withoutManagedFields(json::Value object) {
  ManagedFields().store(object);
  return object;
}

// An object that was last written before its managers were recorded belongs to one of this name.
void adoptUnmanaged(const Kind& kind, const json::Value& live, const Manager& manager, ManagedFields& managed) {
  if (!managed.empty() || !live.is_object()) return;
  ManagerId id{Operation::kUpdate, "before-first-apply", manager.apiVersion, ""};
  Comparison comparison = compareOwnable(kind, manager.subresource, json::Object(), live);
  managed.entry(id) = {comparison.changed(), manager.apiVersion, manager.time};
  managed.eraseEmpty();
}

}  // namespace

json::Value serverSideApply(const Kind& kind, const json::Value& live, const json::Value& applied,
                            const Manager& manager, Force force) {
  const Node& schema = *kind.schema;
  if (json::find(applied, "metadata.managedFields") != nullptr) {
    throw meta::badRequest("metadata.managedFields must be nil");
  }
  refuseMistakes(kind, applied);
  ManagedFields managed = ManagedFields::of(live);
  json::Value before = live.is_object() ? withoutManagedFields(live) : json::Value(json::Object());
  if (live.is_object()) adoptUnmanaged(kind, before, manager, managed);

  ManagerId self{Operation::kApply, manager.name, "", manager.subresource};
  FieldSet lastApplied = managed.entry(self).fields;
  managed.entry(self).fields = ownable(kind, manager.subresource, fieldsOf(schema, applied));
  managed.entry(self).apiVersion = manager.apiVersion;
  json::Value after = dropAbandoned(schema, mergeApplied(schema, before, applied), lastApplied, managed);

  Comparison comparison = compareOwnable(kind, manager.subresource, before, after);
  std::vector<Conflict> conflicts = findConflicts(managed, comparison.changed(), self);
  if (!conflicts.empty() && force == Force::kNo) throw applyConflict(conflicts);
  FieldSet lost = comparison.changed();
  lost.unite(comparison.removed);
  managed.disown(lost, self);
  if (!comparison.same()) {
    if (ManagedEntry* entry = managed.find(self)) entry->time = manager.time;
  }
  json::Value& result = comparison.same() && live.is_object() ? before : after;
  managed.store(result);
  return std::move(result);
}

void recordUpdate(const Kind& kind, const json::Value& before, json::Value& after, const Manager& manager) {
  bool mayReset = manager.subresource.empty();
  bool reset = mayReset && ManagedFields::isReset(after);
  ManagedFields managed = mayReset ? ManagedFields::of(after) : ManagedFields();
  if (managed.empty() && !reset) managed = ManagedFields::of(before);
  after = withoutManagedFields(std::move(after));
  // Nobody tracked this object so far, so nobody begins to now: apply adopts it when it needs to.
  if (managed.empty() && before.is_object()) return;

  json::Value base = before.is_object() ? withoutManagedFields(before) : json::Value(json::Object());
  Comparison comparison = compareOwnable(kind, manager.subresource, base, after);
  if (!comparison.same()) {
    ManagerId self{Operation::kUpdate, manager.name, manager.apiVersion, manager.subresource};
    FieldSet lost = comparison.changed();
    lost.unite(comparison.removed);
    managed.disown(lost, self);
    ManagedEntry& entry = managed.entry(self);
    entry.fields = entry.fields.minus(comparison.removed);
    entry.fields.unite(comparison.changed());
    entry.apiVersion = manager.apiVersion;
    if (!comparison.changed().empty()) entry.time = manager.time;
    managed.eraseEmpty();
    managed.capUpdaters();
  }
  managed.store(after);
}

}  // namespace wherry::schema
