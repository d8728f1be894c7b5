#include "schema/apply_managers.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

namespace wherry::schema {
namespace {

constexpr size_t kMaxUpdaters = 10;
constexpr std::string_view kAncientChanges = "ancient-changes";

const json::Array* managedArray(const json::Value& object) {
  const json::Value* value = json::find(object, "metadata.managedFields");
  return value == nullptr ? nullptr : value->if_array();
}

std::pair<ManagerId, ManagedEntry> readEntry(const json::Value& value) {
  std::string_view operation = json::getString(value, "operation");
  if (operation != "Apply" && operation != "Update") throw json::ParseError("unknown operation in managedFields");
  ManagerId id;
  id.operation = operation == "Apply" ? Operation::kApply : Operation::kUpdate;
  id.name = json::getString(value, "manager");
  id.subresource = json::getString(value, "subresource");
  ManagedEntry entry;
  entry.apiVersion = json::getString(value, "apiVersion");
  entry.time = json::getString(value, "time");
  if (const json::Value* fields = json::find(value, "fieldsV1")) entry.fields = FieldSet::fromJson(*fields);
  if (id.operation == Operation::kUpdate) id.apiVersion = entry.apiVersion;
  return {std::move(id), std::move(entry)};
}

json::Object renderEntry(const ManagerId& id, const ManagedEntry& entry) {
  json::Object object = {{"manager", id.name},
                         {"operation", id.operation == Operation::kApply ? "Apply" : "Update"},
                         {"apiVersion", entry.apiVersion}};
  if (!entry.time.empty()) object["time"] = entry.time;
  object["fieldsType"] = "FieldsV1";
  object["fieldsV1"] = entry.fields.toJson();
  if (!id.subresource.empty()) object["subresource"] = id.subresource;
  return object;
}

}  // namespace

std::string ManagerId::text() const {
  std::string text = json::serialize(json::Value(name));
  if (!subresource.empty()) text += " with subresource " + json::serialize(json::Value(subresource));
  if (operation == Operation::kUpdate) text += " using " + apiVersion;
  return text;
}

ManagedFields ManagedFields::of(const json::Value& object) {
  ManagedFields result;
  const json::Array* array = managedArray(object);
  if (array == nullptr) return result;
  try {
    for (const json::Value& value : *array) {
      auto [id, entry] = readEntry(value);
      result.entries_.insert_or_assign(std::move(id), std::move(entry));
    }
  } catch (const json::ParseError&) {
    return {};
  }
  return result;
}

bool ManagedFields::isReset(const json::Value& object) {
  const json::Array* array = managedArray(object);
  if (array == nullptr) return false;
  bool oneEmpty = array->size() == 1 && array->front().is_object() && array->front().get_object().empty();
  return array->empty() || oneEmpty;
}

ManagedEntry* ManagedFields::find(const ManagerId& id) {
  auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

void ManagedFields::disown(const FieldSet& fields, const ManagerId& except) {
  for (auto& [id, entry] : entries_) {
    if (id != except) entry.fields = entry.fields.minus(fields);
  }
  eraseEmpty();
}

void ManagedFields::eraseEmpty() {
  std::erase_if(entries_, [](const auto& each) { return each.second.fields.empty(); });
}

void ManagedFields::capUpdaters() {
  std::vector<std::pair<std::string, ManagerId>> updaters;
  for (const auto& [id, entry] : entries_) {
    if (id.operation == Operation::kUpdate) updaters.emplace_back(entry.time, id);
  }
  if (updaters.size() <= kMaxUpdaters) return;
  std::ranges::sort(updaters);
  updaters.resize(updaters.size() - kMaxUpdaters + 1);
  for (const auto& [time, id] : updaters) {
    ManagedEntry oldest = std::move(entries_[id]);
    entries_.erase(id);
    ManagedEntry& bucket = entries_[{Operation::kUpdate, std::string(kAncientChanges), id.apiVersion, ""}];
    bucket.fields.unite(oldest.fields);
    bucket.apiVersion = oldest.apiVersion;
    bucket.time = std::max(bucket.time, oldest.time);
  }
}

void ManagedFields::store(json::Value& object) const {
  json::Object& metadata = json::ensureObject(object.as_object(), "metadata");
  if (auto at = metadata.find("managedFields"); at != metadata.end()) metadata.stable_erase(at);
  if (entries_.empty()) return;
  std::vector<const std::pair<const ManagerId, ManagedEntry>*> sorted;
  for (const auto& each : entries_) sorted.push_back(&each);
  auto key = [](const auto* each) {
    const auto& [id, entry] = *each;
    return std::tie(id.operation, entry.time, id.name, entry.apiVersion, id.subresource);
  };
  std::ranges::sort(sorted, {}, key);
  json::Array array;
  for (const auto* each : sorted) array.push_back(renderEntry(each->first, each->second));
  metadata["managedFields"] = std::move(array);
}

}  // namespace wherry::schema
