// PodDisruptionBudgets: an empty selector selects no pods in policy/v1beta1, and all of them in policy/v1, which is
// stored. What one version can't say with an empty selector it says with a label that no pod has.
#include "apiserver/conversion.h"

namespace wherry::apiserver {
namespace {

constexpr std::string_view kNoPodHas = "pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match";

json::Object selectorBy(std::string_view operation) {
  return {{"matchExpressions", json::Array{json::Object{{"key", kNoPodHas}, {"operator", operation}}}}};
}

bool isEmpty(const json::Object& selector) {
  for (auto key : {"matchLabels", "matchExpressions"}) {
    const auto* part = selector.if_contains(key);
    if (!part) continue;
    if (part->is_object() && !part->get_object().empty()) return false;
    if (part->is_array() && !part->get_array().empty()) return false;
  }
  return true;
}

// What the one version says with an empty selector the other says by `operation`, and the other way round.
void swapEmpty(json::Value& object, std::string_view emptySays, std::string_view says) {
  auto* spec = object.as_object().if_contains("spec");
  auto* selector = spec && spec->is_object() ? spec->get_object().if_contains("selector") : nullptr;
  if (!selector || !selector->is_object()) return;
  if (isEmpty(selector->get_object())) {
    *selector = selectorBy(emptySays);
  } else if (json::equal(*selector, selectorBy(says))) {
    *selector = json::Object();
  }
}

constexpr std::string_view kAll = "DoesNotExist";
constexpr std::string_view kNone = "Exists";

}  // namespace

void disruptionBudgetFromStored(json::Value& object) { swapEmpty(object, kAll, kNone); }

void disruptionBudgetToStored(json::Value& object) { swapEmpty(object, kNone, kAll); }

}  // namespace wherry::apiserver
