#include "base/strings.h"
#include "schema/table_cells.h"
#include "schema/table_text.h"

namespace wherry::schema {
namespace {

using json::Value;
using Now = base::WallTime;

// The same event has other field names in v1 and in events.k8s.io/v1: the first of the two that is there.
const Value* either(const Value& event, std::string_view core, std::string_view events) {
  const Value* value = json::find(event, core);
  return value != nullptr ? value : json::find(event, events);
}

std::string eitherText(const Value& event, std::string_view core, std::string_view events) {
  return textAt(event, core, json::getString(event, events));
}

std::string firstSeen(const Value& event, Now now) {
  for (std::string_view path : {"firstTimestamp", "deprecatedFirstTimestamp", "eventTime"}) {
    if (!json::getString(event, path).empty()) return sinceAt(event, path, now);
  }
  return std::string(kUnknown);
}

Value eventFirstSeen(const Value& event, Now now) { return Value(firstSeen(event, now)); }

Value eventLastSeen(const Value& event, Now now) {
  for (std::string_view path : {"series.lastObservedTime", "lastTimestamp", "deprecatedLastTimestamp"}) {
    if (!json::getString(event, path).empty()) return Value(sinceAt(event, path, now));
  }
  return Value(firstSeen(event, now));
}

Value eventCount(const Value& event, Now) {
  if (const Value* series = json::find(event, "series"); series != nullptr && series->is_object()) {
    return json::getInt(*series, "count");
  }
  int64_t count = json::getInt(event, "count", json::getInt(event, "deprecatedCount"));
  return count == 0 ? 1 : count;  // events of the new API have none
}

Value eventObject(const Value& event, Now) {
  const Value* object = either(event, "involvedObject", "regarding");
  if (object == nullptr) return "";
  std::string kind = base::toLower(json::getString(*object, "kind"));
  std::string_view name = json::getString(*object, "name");
  return Value(name.empty() ? kind : kind + "/" + std::string(name));
}

Value eventSource(const Value& event, Now) {
  std::string component = eitherText(event, "source.component", "deprecatedSource.component");
  std::string instance = eitherText(event, "source.host", "deprecatedSource.host");
  if (component.empty()) {
    component = eitherText(event, "reportingComponent", "reportingController");
    instance = json::getString(event, "reportingInstance");
  }
  return Value(instance.empty() ? component : component + ", " + instance);
}

Value eventMessage(const Value& event, Now) { return Value(base::trim(eitherText(event, "message", "note"))); }

constexpr NamedCell kCells[] = {
    {"eventFirstSeen", eventFirstSeen}, {"eventLastSeen", eventLastSeen}, {"eventCount", eventCount},
    {"eventObject", eventObject},       {"eventSource", eventSource},     {"eventMessage", eventMessage},
};

}  // namespace

std::span<const NamedCell> eventCells() { return kCells; }

}  // namespace wherry::schema
