#include "apiserver/field_labels.h"

#include <algorithm>

#include <fmt/format.h>

#include "apiserver/json_scan.h"
#include "apiserver/stored_form.h"
#include "apiserver/unreadable.h"

namespace wherry::apiserver {
namespace {

// Where a selectable field stands in the stored form, when not at its own path (versions that rename fields).
std::string_view storedPath(const schema::Kind& kind, std::string_view field) {
  if (kind.conversion == "event") {
    if (field == "reportingController") return "reportingComponent";
    if (field.starts_with("regarding.")) return {};
  }
  if (field == "status.successful") return "status.succeeded";  // of Jobs
  return field;
}

std::string valueOf(const schema::Kind& kind, const std::string& field, std::string_view prefix,
                    const storage::Entry& entry) {
  if (field == "metadata.name") return parseObjectKey(entry.key, prefix).name;
  if (field == "metadata.namespace") return parseObjectKey(entry.key, prefix).ns;
  std::string path(storedPath(kind, field));
  if (path.empty()) path = "involvedObject." + field.substr(field.find('.') + 1);
  auto raw = findPath(entry.bytes, path);
  if (raw) return scalarText(*raw);
  if (field == "status.successful") return "0";
  // A missing truth is false: spec.unschedulable, spec.hostNetwork.
  return field == "spec.unschedulable" || field == "spec.hostNetwork" ? "false" : "";
}

}  // namespace

void requireSelectable(const schema::Kind& kind, const meta::FieldSelector& selector) {
  for (const auto& term : selector.terms()) {
    if (term.field == "metadata.name" || term.field == "metadata.namespace") continue;
    const auto& fields = kind.selectableFields;
    if (std::find(fields.begin(), fields.end(), term.field) != fields.end()) continue;
    throw meta::badRequest(
        fmt::format("Unable to find \"{}/{}, Resource={}\" that match label selector \"\", field selector \"{}{}{}\": "
                    "field label not "
                    "supported: {}",
                    kind.resource.group, kind.resource.version, kind.resource.resource, term.field,
                    term.equals ? "=" : "!=", term.value, term.field));
  }
}

bool matchesFields(const schema::Kind& kind, const meta::FieldSelector& selector, std::string_view prefix,
                   const storage::Entry& entry) {
  // What can't be read is selected, so that whoever reads it is told.
  if (selector.empty() || !isReadable(entry.bytes)) return true;
  return selector.matches([&](const std::string& field) { return valueOf(kind, field, prefix, entry); });
}

bool matchesLabels(const meta::LabelSelector& selector, const storage::Entry& entry) {
  if (selector.isEverything()) return true;
  const auto& labels = entry.index.labels;
  return selector.matches([&](std::string_view key) -> std::optional<std::string_view> {
    auto found = std::lower_bound(labels.begin(), labels.end(), key,
                                  [](const auto& pair, std::string_view wanted) { return pair.first < wanted; });
    if (found == labels.end() || found->first != key) return std::nullopt;
    return found->second;
  });
}

}  // namespace wherry::apiserver
