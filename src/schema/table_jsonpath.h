// JSONPath as printer columns use it: `.status.conditions[?(@.type=="Ready")].status`, `.metadata.labels.a\.b`,
// `.spec.ports[0:2].port`, `.spec.list[*]`. Immutable once parsed; safe from any thread.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "json/value.h"

namespace wherry::schema {

class JsonPath {
 public:
  // Nothing when `text` is no JSONPath, or uses what columns can't (recursive descent, unions, scripts).
  static std::optional<JsonPath> parse(std::string_view text);

  // All values that the path leads to, in order.
  std::vector<const json::Value*> find(const json::Value& root) const;

  struct Step;

 private:
  std::shared_ptr<const std::vector<Step>> steps_;
};

}  // namespace wherry::schema
