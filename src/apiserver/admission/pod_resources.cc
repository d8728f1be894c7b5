#include "apiserver/admission/pod_resources.h"

#include <algorithm>

#include "apiserver/admission/fields.h"

namespace wherry::apiserver {
namespace {

void atLeast(Resources& amounts, const Resources& others) {
  for (const auto& [name, quantity] : others) {
    auto [at, added] = amounts.try_emplace(name, quantity);
    if (!added && at->second < quantity) at->second = quantity;
  }
}

Resources containerResources(const json::Value& container, const char* list) {
  return readResources(objectAt(container, std::string("resources.") + list));
}

}  // namespace

Resources readResources(const json::Object& list) {
  Resources amounts;
  for (const auto& [name, value] : list) {
    std::string text = value.is_string() ? std::string(textOf(value)) : json::serialize(value);
    auto quantity = meta::Quantity::parse(text);
    if (quantity) amounts[std::string(name)] = *quantity;
  }
  return amounts;
}

void add(Resources& to, const Resources& more) {
  for (const auto& [name, quantity] : more) {
    auto [at, added] = to.try_emplace(name, quantity);
    if (!added) at->second = at->second + quantity;
  }
}

Resources podResources(const json::Object& podSpec, const char* list) {
  Resources all, sidecars, starting;
  for (const json::Value& container : arrayAt(podSpec, "containers")) add(all, containerResources(container, list));
  for (const json::Value& container : arrayAt(podSpec, "initContainers")) {
    Resources own = containerResources(container, list);
    if (json::getString(container, "restartPolicy") == "Always") {
      add(sidecars, own);
      atLeast(starting, sidecars);
    } else {
      add(own, sidecars);
      atLeast(starting, own);
    }
  }
  add(all, sidecars);
  atLeast(all, starting);
  Resources overhead = readResources(objectAt(podSpec, "overhead"));
  if (list == std::string_view("limits")) {
    std::erase_if(overhead, [&](const auto& amount) { return !all.contains(amount.first); });
  }
  add(all, overhead);
  return all;
}

}  // namespace wherry::apiserver
