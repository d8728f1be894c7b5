#include "apiserver/podsecurity/namespace_policy.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "apiserver/admission/fields.h"
#include "base/strings.h"

namespace wherry::apiserver::podsecurity {
namespace {

constexpr const char* kPrefix = "pod-security.kubernetes.io/";

std::optional<Level> parseLevel(std::string_view text) {
  if (text == "privileged") return Level::kPrivileged;
  if (text == "baseline") return Level::kBaseline;
  if (text == "restricted") return Level::kRestricted;
  return std::nullopt;
}

std::optional<int> parseVersion(std::string_view text) {
  if (text == "latest") return kLatest;
  if (!text.starts_with("v1.")) return std::nullopt;
  auto minor = base::parseInt<int>(text.substr(3));
  bool canonical = minor && *minor >= 0 && text.substr(3) == std::to_string(*minor);
  return canonical ? minor : std::nullopt;
}

void readMode(const json::Object& labels, const char* mode, Level otherwise, LevelVersion& standard,
              meta::FieldErrors& errors) {
  std::string levelKey = std::string(kPrefix) + mode, versionKey = levelKey + "-version";
  if (const json::Value* label = labels.if_contains(levelKey)) {
    auto level = parseLevel(textOf(*label));
    standard.level = level.value_or(otherwise);
    if (!level) {
      errors.push_back(meta::invalidField("metadata.labels[" + levelKey + "]", *label,
                                          "must be one of privileged, baseline, restricted"));
    }
  }
  if (const json::Value* label = labels.if_contains(versionKey)) {
    auto minor = parseVersion(textOf(*label));
    standard.minor = minor.value_or(kLatest);
    if (!minor) {
      errors.push_back(
          meta::invalidField("metadata.labels[" + versionKey + "]", *label, "must be \"latest\" or \"v1.x\""));
    }
  }
}

// Pods of one controller are alike: the first of each comes first, the others after all of these.
std::vector<const json::Value*> firstOfEachOwner(const std::vector<const json::Value*>& pods) {
  std::vector<const json::Value*> first, others;
  std::set<std::string> owners;
  for (const json::Value* pod : pods) {
    std::string owner;
    for (const json::Value& each : arrayAt(*pod, "metadata.ownerReferences")) {
      if (json::getBool(each, "controller")) owner = json::getString(each, "uid");
    }
    (owner.empty() || owners.insert(owner).second ? first : others).push_back(pod);
  }
  first.insert(first.end(), others.begin(), others.end());
  return first;
}

struct Alike {
  std::string name;  // the first one by name
  size_t count = 0;
};

std::string renderAlike(const Alike& pods, const std::string& reasons) {
  if (pods.count == 1) return fmt::format("{}: {}", pods.name, reasons);
  const char* others = pods.count == 2 ? "pod" : "pods";
  return fmt::format("{} (and {} other {}): {}", pods.name, pods.count - 1, others, reasons);
}

constexpr size_t kMostPods = 3000;  // that are looked at for one change of a label

}  // namespace

NamespacePolicy readPolicy(const json::Object& labels) {
  NamespacePolicy policy;
  readMode(labels, "enforce", Level::kRestricted, policy.enforce, policy.errors);
  readMode(labels, "audit", Level::kPrivileged, policy.audit, policy.errors);
  readMode(labels, "warn", Level::kPrivileged, policy.warn, policy.errors);
  return policy;
}

std::vector<std::string> warnOfPods(std::string_view ns, const LevelVersion& standard,
                                    const std::vector<const json::Value*>& pods) {
  auto ordered = firstOfEachOwner(pods);
  size_t looked = std::min(ordered.size(), kMostPods);
  std::map<std::string, Alike> alike;
  for (size_t i = 0; i < looked; ++i) {
    const json::Value& pod = *ordered[i];
    auto violations = evaluatePod(standard, {objectAt(pod, "metadata"), objectAt(pod, "spec")});
    if (violations.empty()) continue;
    std::string name(json::getString(pod, "metadata.name"));
    Alike& group = alike[renderReasons(violations)];
    if (group.count++ == 0 || name < group.name) group.name = std::move(name);
  }
  std::vector<std::string> warnings, lines;
  if (looked < ordered.size()) {
    warnings.push_back(fmt::format(
        "new PodSecurity enforce level only checked against the first {} of {} existing pods", looked, ordered.size()));
  }
  if (alike.empty()) return warnings;
  warnings.push_back(fmt::format("existing pods in namespace \"{}\" violate the new PodSecurity enforce level \"{}\"",
                                 ns, standard.text()));
  for (const auto& [reasons, group] : alike) lines.push_back(renderAlike(group, reasons));
  std::sort(lines.begin(), lines.end());
  warnings.insert(warnings.end(), lines.begin(), lines.end());
  return warnings;
}

}  // namespace wherry::apiserver::podsecurity
