// Where daemons belong, and what their pods look like.
#include <algorithm>
#include <array>

#include "controllers/controller_revision.h"
#include "controllers/daemon_set.h"
#include "controllers/pod_writer.h"
#include "meta/node_selector.h"
#include "meta/toleration.h"

namespace wherry::controllers {

using apps_v1::DaemonSet;
using core_v1::Node;
using core_v1::Pod;

namespace {

constexpr std::string_view kNodeNameField = "metadata.name";

struct DaemonTaint {
  std::string_view key, effect;
};
// A daemon stays where others leave, and comes where others don't go.
constexpr std::array<DaemonTaint, 6> kTolerated{{
    {"node.kubernetes.io/not-ready", "NoExecute"},
    {"node.kubernetes.io/unreachable", "NoExecute"},
    {"node.kubernetes.io/disk-pressure", "NoSchedule"},
    {"node.kubernetes.io/memory-pressure", "NoSchedule"},
    {"node.kubernetes.io/pid-pressure", "NoSchedule"},
    {"node.kubernetes.io/unschedulable", "NoSchedule"},
}};
// Only one on the host's network comes where there is no network yet.
constexpr DaemonTaint kNoNetwork{"node.kubernetes.io/network-unavailable", "NoSchedule"};

void addToleration(json::Array& tolerations, const DaemonTaint& taint) {
  const json::Value wanted = json::Object{{"key", taint.key}, {"operator", "Exists"}, {"effect", taint.effect}};
  const auto same = std::find_if(tolerations.begin(), tolerations.end(), [&](const json::Value& toleration) {
    return json::getString(toleration, "key") == taint.key && json::getString(toleration, "effect") == taint.effect &&
           json::getString(toleration, "operator") == "Exists" && json::getString(toleration, "value").empty();
  });
  if (same == tolerations.end()) {
    tolerations.push_back(wanted);
  } else {
    *same = wanted;  // without its tolerationSeconds
  }
}

void addTolerations(json::Object& spec) {
  const core_v1::PodSpec view(&spec);
  json::Array tolerations;
  for (const auto toleration : view.tolerations()) tolerations.emplace_back(toleration.tree());
  for (const auto& taint : kTolerated) addToleration(tolerations, taint);
  if (view.hostNetwork()) addToleration(tolerations, kNoNetwork);
  spec["tolerations"] = std::move(tolerations);
}

void bindTo(json::Object& spec, std::string_view node) {
  json::Object& affinity = json::ensureObject(json::ensureObject(spec, "affinity"), "nodeAffinity");
  const json::Value name = json::Object{{"key", kNodeNameField}, {"operator", "In"}, {"values", json::Array{node}}};
  affinity["requiredDuringSchedulingIgnoredDuringExecution"] =
      json::Object{{"nodeSelectorTerms", json::Array{json::Object{{"matchFields", json::Array{name}}}}}};
}

bool isWanted(const core_v1::PodSpec& pod, const Node& node) {
  const auto& labels = node.metadata().labels();
  for (const auto& label : pod.nodeSelector().tree()) {
    const auto* has = labels.if_contains(label.key());
    if (!has || *has != label.value()) return false;
  }
  const auto required = pod.affinity().nodeAffinity().requiredDuringSchedulingIgnoredDuringExecution();
  return !required || meta::matchesNodeSelector(required.tree(), node.metadata());
}

bool isRepelled(const core_v1::PodSpec& pod, const Node& node, std::string_view effect) {
  const auto* tolerations = pod.field("tolerations");
  for (const auto taint : node.spec().taints()) {
    if (taint.effect() != effect) continue;
    if (!tolerations || !meta::toleratesAny(tolerations->as_array(), taint.tree())) return true;
  }
  return false;
}

}  // namespace

DaemonPlacement::DaemonPlacement(const DaemonSet& set) : spec_(set.spec().template_().spec().tree()) {
  addTolerations(spec_.as_object());
}

DaemonPlacement::Verdict DaemonPlacement::on(const Node& node) const {
  const core_v1::PodSpec pod(&spec_);
  const bool elsewhere = !pod.nodeName().empty() && pod.nodeName() != node.metadata().name();
  if (elsewhere || !isWanted(pod, node) || isRepelled(pod, node, "NoExecute")) return {};
  return {.run = !isRepelled(pod, node, "NoSchedule"), .stay = true};
}

json::Value daemonPod(const DaemonSet& set, std::string_view node, std::string_view hash) {
  json::Value pod = podFromTemplate(*set.object(), set.spec().template_());
  json::Object& labels = json::ensureObject(meta::mutableMetadata(pod), "labels");
  if (const auto generation = set.metadata().annotation(kTemplateGeneration); !generation.empty()) {
    labels[kTemplateGenerationLabel] = generation;
  }
  labels[kRevisionLabel] = hash;
  json::Object& spec = json::ensureObject(pod.as_object(), "spec");
  addTolerations(spec);
  bindTo(spec, node);
  return pod;
}

std::string_view targetNode(const Pod& pod) {
  if (!pod.spec().nodeName().empty()) return pod.spec().nodeName();
  const auto required = pod.spec().affinity().nodeAffinity().requiredDuringSchedulingIgnoredDuringExecution();
  for (const auto term : required.nodeSelectorTerms()) {
    for (const auto field : term.matchFields()) {
      if (field.key() == kNodeNameField && field.operator_() == "In" && field.values().size() == 1) {
        return field.values()[0];
      }
    }
  }
  return {};
}

bool movesDaemons(const meta::ObjectPtr& before, const meta::ObjectPtr& after) {
  if (!before || !after) return true;
  const auto same = [&](std::string_view path) {
    const auto *was = json::find(before->tree(), path), *is = json::find(after->tree(), path);
    return was && is ? json::equal(*was, *is) : was == is;
  };
  return !same("metadata.labels") || !same("spec.taints");
}

}  // namespace wherry::controllers
