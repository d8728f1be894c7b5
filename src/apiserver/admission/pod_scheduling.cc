// What of a pod's spec speaks to the scheduler: scheduling gates (KEP-3521), how their pods may change (KEP-3838), and
// the label keys of affinity terms and topology spread constraints (KEP-3633, KEP-3243).
#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "apiserver/admission/fields.h"
#include "apiserver/admission/pod_spec.h"

namespace wherry::apiserver {
namespace {

using json::getString;

constexpr std::string_view kOnlyAdditions = "only additions are allowed (no mutations or deletions)";
constexpr std::string_view kTerms =
    "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
constexpr std::array kLists = {"requiredDuringSchedulingIgnoredDuringExecution",
                               "preferredDuringSchedulingIgnoredDuringExecution"};

bool hasEach(const json::Array& all, const json::Array& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const json::Value& each) {
    return std::any_of(all.begin(), all.end(), [&](const json::Value& other) { return json::equal(each, other); });
  });
}

void checkNodeSelector(const json::Object& spec, const json::Object& old, meta::FieldErrors& errors) {
  const json::Object &now = objectAt(spec, "nodeSelector"), &before = objectAt(old, "nodeSelector");
  for (const auto& [key, value] : before) {
    const json::Value* kept = now.if_contains(key);
    if (kept && *kept == value) continue;
    errors.push_back(meta::invalidField("spec.nodeSelector", now, std::string(kOnlyAdditions)));
    return;
  }
}

void checkTerms(const json::Object& spec, const json::Object& old, meta::FieldErrors& errors) {
  const json::Array &now = arrayAt(spec, kTerms), &before = arrayAt(old, kTerms);
  const std::string path = "spec." + std::string(kTerms);
  if (before.empty()) return;
  if (now.size() != before.size()) {
    errors.push_back(
        meta::invalidField(path, now, "no additions/deletions to non-empty NodeSelectorTerms list are allowed"));
    return;
  }
  for (size_t i = 0; i < now.size(); ++i) {
    const bool grows = hasEach(arrayAt(now[i], "matchExpressions"), arrayAt(before[i], "matchExpressions")) &&
                       hasEach(arrayAt(now[i], "matchFields"), arrayAt(before[i], "matchFields"));
    if (!grows)
      errors.push_back(meta::invalidField(fmt::format("{}[{}]", path, i), now[i], std::string(kOnlyAdditions)));
  }
}

// "key in (the pod's own value)" for each of the keys that the pod has.
void addRequirements(json::Object& term, std::string_view keys, std::string_view op, const json::Object& labels) {
  const json::Array names = arrayAt(term, keys);  // a copy: it moves when a field is added beside it
  for (const json::Value& name : names) {
    const json::Value* value = labels.if_contains(textOf(name));
    if (!value) continue;
    json::Value requirement = {{"key", name}, {"operator", op}, {"values", json::Array{*value}}};
    json::Array& expressions = json::ensureArray(term["labelSelector"].as_object(), "matchExpressions");
    if (!hasEach(expressions, {requirement})) expressions.push_back(std::move(requirement));
  }
}

// A missing selector matches nothing, whatever is added to it.
void mergeLabelKeys(json::Object& term, const json::Object& labels) {
  const json::Value* selector = term.if_contains("labelSelector");
  if (!selector || !selector->is_object()) return;
  addRequirements(term, "matchLabelKeys", "In", labels);
  addRequirements(term, "mismatchLabelKeys", "NotIn", labels);
}

// Calls f(term, path) for each PodAffinityTerm.
template <typename SpecObject, typename F>
void forEachAffinityTerm(SpecObject& spec, const std::string& path, F&& f) {
  auto* affinity = spec.if_contains("affinity");
  if (!affinity || !affinity->is_object()) return;
  for (const char* kind : {"podAffinity", "podAntiAffinity"}) {
    auto* terms = affinity->get_object().if_contains(kind);
    if (!terms || !terms->is_object()) continue;
    for (const char* list : kLists) {
      auto* items = terms->get_object().if_contains(list);
      if (!items || !items->is_array()) continue;
      for (size_t i = 0; i < items->get_array().size(); ++i) {
        auto* term = items->get_array()[i].if_object();
        std::string at = fmt::format("{}.affinity.{}.{}[{}]", path, kind, list, i);
        if (term && list == kLists[1]) {
          auto* weighted = term->if_contains("podAffinityTerm");
          term = weighted ? weighted->if_object() : nullptr;
          at += ".podAffinityTerm";
        }
        if (term) f(*term, at);
      }
    }
  }
}

void requireSelector(const json::Object& term, const std::string& at, std::string_view keys,
                     meta::FieldErrors& errors) {
  if (arrayAt(term, keys).empty() || term.contains("labelSelector")) return;
  errors.push_back(
      meta::forbiddenField(fmt::format("{}.{}", at, keys), "must not be specified when labelSelector is not set"));
}

void checkSpreadConstraints(const json::Object& spec, const std::string& path, meta::FieldErrors& errors) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  forEachItem(arrayAt(spec, "topologySpreadConstraints"), path + ".topologySpreadConstraints",
              [&](const json::Value& value, const std::string& at) {
                const json::Object& constraint = value.as_object();
                const auto key = getString(constraint, "topologyKey"),
                           action = getString(constraint, "whenUnsatisfiable");
                requireSelector(constraint, at, "matchLabelKeys", errors);
                if (constraint.contains("minDomains") && action != "DoNotSchedule") {
                  errors.push_back(meta::invalidField(
                      at + ".minDomains", constraint.at("minDomains"),
                      fmt::format("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {}", action)));
                }
                if (!seen.emplace(key, action).second) {
                  errors.push_back(meta::duplicateField(at + ".{topologyKey, whenUnsatisfiable}",
                                                        json::Value(fmt::format("{{{}, {}}}", key, action))));
                }
              });
}

}  // namespace

json::Array conditionsOfGated(const json::Object& spec) {
  if (arrayAt(spec, "schedulingGates").empty()) return {};
  return {{{"type", "PodScheduled"},
           {"status", "False"},
           {"lastProbeTime", nullptr},
           {"lastTransitionTime", nullptr},
           {"reason", "SchedulingGated"},
           {"message", "Scheduling is blocked due to non-empty scheduling gates"}}};
}

void applyLabelKeys(json::Object& spec, const json::Object& labels) {
  forEachAffinityTerm(spec, "", [&](json::Object& term, const std::string&) { mergeLabelKeys(term, labels); });
  json::Value* constraints = spec.if_contains("topologySpreadConstraints");
  if (!constraints || !constraints->is_array()) return;
  for (json::Value& constraint : constraints->get_array()) {
    if (constraint.is_object()) mergeLabelKeys(constraint.get_object(), labels);
  }
}

void validatePodScheduling(const json::Object& spec, const std::string& path, meta::FieldErrors& errors) {
  forEachAffinityTerm(spec, path, [&](const json::Object& term, const std::string& at) {
    requireSelector(term, at, "matchLabelKeys", errors);
    requireSelector(term, at, "mismatchLabelKeys", errors);
  });
  checkSpreadConstraints(spec, path, errors);
}

bool mayMoveElsewhere(const json::Object& old) { return !arrayAt(old, "schedulingGates").empty(); }

void validateGatedUpdate(const json::Object& spec, const json::Object& old, meta::FieldErrors& errors) {
  checkNodeSelector(spec, old, errors);
  checkTerms(spec, old, errors);
}

void eraseNodeChoice(json::Object& spec) {
  spec.erase("nodeSelector");
  json::Value* affinity = spec.if_contains("affinity");
  if (!affinity || !affinity->is_object()) return;
  affinity->get_object().erase("nodeAffinity");
  if (affinity->get_object().empty()) spec.erase("affinity");
}

}  // namespace wherry::apiserver
