// events.k8s.io/v1 Events are core/v1 Events with other names for the same things.
#include <array>
#include <utility>

#include "apiserver/conversion.h"

namespace wherry::apiserver {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kNames = {{
    {"regarding", "involvedObject"},
    {"note", "message"},
    {"reportingController", "reportingComponent"},
    {"deprecatedSource", "source"},
    {"deprecatedFirstTimestamp", "firstTimestamp"},
    {"deprecatedLastTimestamp", "lastTimestamp"},
    {"deprecatedCount", "count"},
}};

void rename(json::Object& object, std::string_view from, std::string_view to) {
  auto* value = object.if_contains(from);
  if (!value) return;
  json::Value moved = std::move(*value);
  object.erase(from);
  object[to] = std::move(moved);
}

}  // namespace

void eventToStored(json::Value& object) {
  for (const auto& [own, stored] : kNames) rename(object.as_object(), own, stored);
  auto& event = object.as_object();
  if (!event.contains("source")) event["source"] = json::Object();
  for (auto key : {"firstTimestamp", "lastTimestamp"}) {
    if (!event.contains(key)) event[key] = nullptr;
  }
}

void eventFromStored(json::Value& object) {
  for (const auto& [own, stored] : kNames) rename(object.as_object(), stored, own);
}

}  // namespace wherry::apiserver
