#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/strings.h"
#include "cli/doctor/findings.h"
#include "cli/doctor/phrases.h"

namespace wherry::cli {
namespace {

constexpr size_t kMostGroups = 3;

using Labels = std::map<std::string, std::string, std::less<>>;

Labels labelsOf(const json::Value* object) {
  Labels labels;
  if (!object || !object->is_object()) return labels;
  for (const auto& label : object->get_object()) {
    if (label.value().is_string()) labels.emplace(label.key(), label.value().get_string());
  }
  return labels;
}

// How near a pod comes to the selector, as the second half of "3 pods have ...".
struct NearMiss {
  size_t agreeing = 0;
  std::string text;  // "" when it isn't near at all
};

std::string labelText(std::string_view key, std::string_view value) { return fmt::format("{}={}", key, value); }

// "run=web" where the selector says "app=web".
std::string sameValueElsewhere(const Labels& labels, const Labels& wanted) {
  for (const auto& [key, value] : labels) {
    for (const auto& [wantedKey, wantedValue] : wanted) {
      if (value == wantedValue && !value.empty()) {
        return fmt::format("{}, the selector wants {}", labelText(key, value), labelText(wantedKey, wantedValue));
      }
    }
  }
  return "";
}

NearMiss compare(const Labels& labels, const Labels& wanted) {
  std::vector<std::string> same, other, want;
  for (const auto& [key, value] : wanted) {
    auto found = labels.find(key);
    if (found != labels.end() && found->second == value) {
      same.push_back(labelText(key, value));
      continue;
    }
    other.push_back(found == labels.end() ? "no label " + key : labelText(key, found->second));
    want.push_back(labelText(key, value));
  }
  bool anyOther = std::any_of(other.begin(), other.end(), [](auto& text) { return !text.starts_with("no label "); });
  if (same.empty() && !anyOther) return {0, sameValueElsewhere(labels, wanted)};
  std::string differing = base::join(other, " and ");
  std::string have = same.empty() ? differing : base::join(same, ", ") + " but " + differing;
  return {same.size(), fmt::format("{}, the selector wants {}", have, base::join(want, ", "))};
}

// The pods that agree in most labels, those alike in one sentence.
std::vector<std::string> nearMisses(const ServiceFacts& facts) {
  Labels wanted = labelsOf(json::find(facts.service.object()->tree(), "spec.selector"));
  std::map<std::string, std::vector<std::string>> groups;
  size_t most = 0;
  for (const auto& pod : facts.pods) {
    NearMiss miss = compare(labelsOf(json::find(pod.object()->tree(), "metadata.labels")), wanted);
    if (miss.text.empty() || miss.agreeing < most) continue;
    if (miss.agreeing > most) groups.clear();
    most = miss.agreeing;
    groups[miss.text].emplace_back(pod.metadata().name());
  }
  std::vector<std::pair<std::string, std::vector<std::string>>> order(groups.begin(), groups.end());
  std::stable_sort(order.begin(), order.end(), [](auto& a, auto& b) { return a.second.size() > b.second.size(); });
  if (order.size() > kMostGroups) order.resize(kMostGroups);
  std::vector<std::string> sentences;
  for (const auto& [text, pods] : order) {
    sentences.push_back(fmt::format("{} {} {}: {}", counted(pods.size(), "pod"), pods.size() == 1 ? "has" : "have",
                                    text, listed(pods)));
  }
  return sentences;
}

std::vector<std::string> whyNobodyMatches(const ServiceFacts& facts) {
  std::string_view ns = facts.service.metadata().ns();
  std::vector<std::string> why = nearMisses(facts);
  if (facts.pods.empty()) why.push_back(fmt::format("there are no pods in namespace {}", ns));
  std::map<std::string, size_t> elsewhere;
  for (const auto& pod : facts.podsElsewhere) ++elsewhere[std::string(pod.metadata().ns())];
  for (const auto& [other, count] : elsewhere) {
    why.push_back(fmt::format("{} in namespace {} would match: a Service selects pods of its own namespace alone",
                              counted(count, "pod"), other));
  }
  return why;
}

}  // namespace

void addSelectorFindings(const ServiceFacts& facts, Findings& findings) {
  if (isExternalName(facts.service)) return;
  if (!hasSelector(facts.service)) {
    findings.push_back({"selector", Level::kNote, "it has none: its endpoints are somebody else's matter"});
    return;
  }
  std::string selector = selectorText(facts.service);
  if (size_t count = selectedPods(facts).size(); count > 0) {
    findings.push_back({"selector", Level::kOk, fmt::format("{} selects {}", selector, counted(count, "pod"))});
    return;
  }
  findings.push_back({"selector", Level::kFail, fmt::format("no pod has {}", selector), whyNobodyMatches(facts)});
}

}  // namespace wherry::cli
