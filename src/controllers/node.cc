#include "controllers/node.h"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

#include "base/strings.h"
#include "client/workqueue.h"
#include "meta/time.h"

namespace wherry::controllers {

namespace {

using core_v1::Node;
using meta::ObjectPtr;

std::optional<uint32_t> parseIpv4(std::string_view text) {
  const auto parts = base::split(text, '.');
  if (parts.size() != 4) return std::nullopt;
  uint32_t address = 0;
  for (const auto part : parts) {
    const auto octet = base::parseInt<uint8_t>(part);
    if (!octet) return std::nullopt;
    address = address << 8 | *octet;
  }
  return address;
}

std::string renderIpv4(uint32_t address) {
  return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
}

std::string_view conditionStatus(const Node& node, std::string_view type) {
  for (const auto condition : node.status().conditions()) {
    if (condition.type() == type) return condition.status();
  }
  return {};
}

// A taint that this controller keeps, and the node's state that calls for it.
struct TaintRule {
  std::string_view key;
  bool (*applies)(const Node&);
};

template <const char* kType>
bool isTrue(const Node& node) {
  return conditionStatus(node, kType) == "True";
}

constexpr char kMemoryPressure[] = "MemoryPressure";
constexpr char kDiskPressure[] = "DiskPressure";
constexpr char kPidPressure[] = "PIDPressure";
constexpr char kNetworkUnavailable[] = "NetworkUnavailable";

bool isNotReady(const Node& node) {
  const auto ready = conditionStatus(node, "Ready");
  return ready == "False" || ready.empty();
}
bool isUnreachable(const Node& node) { return conditionStatus(node, "Ready") == "Unknown"; }
bool isUnschedulable(const Node& node) { return node.spec().unschedulable(); }

constexpr std::array<TaintRule, 7> kTaintRules{{
    {"node.kubernetes.io/not-ready", isNotReady},
    {"node.kubernetes.io/unreachable", isUnreachable},
    {"node.kubernetes.io/unschedulable", isUnschedulable},
    {"node.kubernetes.io/memory-pressure", isTrue<kMemoryPressure>},
    {"node.kubernetes.io/disk-pressure", isTrue<kDiskPressure>},
    {"node.kubernetes.io/pid-pressure", isTrue<kPidPressure>},
    {"node.kubernetes.io/network-unavailable", isTrue<kNetworkUnavailable>},
}};

bool isOf(const core_v1::Taint& taint, const TaintRule& rule) {
  return taint.key() == rule.key && taint.effect() == "NoSchedule";
}

bool hasTaint(const Node& node, const TaintRule& rule) {
  for (const auto taint : node.spec().taints()) {
    if (isOf(taint, rule)) return true;
  }
  return false;
}

bool isStale(const Node& node, const core_v1::Taint& taint) {
  return std::any_of(kTaintRules.begin(), kTaintRules.end(),
                     [&](const TaintRule& rule) { return isOf(taint, rule) && !rule.applies(node); });
}

class NodeController : public Controller {
 public:
  explicit NodeController(ControllerContext& context)
      : context_(context), nodes_(context.informers.informer(Node::kResource())) {
    nodes_.addHandler({.onChange =
                           [this](const ObjectPtr&, const ObjectPtr& after) {
                             if (after) queue_.add(after->key().name);
                           },
                       .onSynced = {},
                       .onRevision = {}});
  }

  void start() override {
    loop_.emplace(queue_, [this](const std::string& name) { reconcile(name); });
  }

 private:
  void reconcile(const std::string& name) {
    const Node node(nodes_.get("", name));
    if (!node) {
      given_.erase(name);
      return;
    }
    json::Object spec;
    addPodCidr(node, spec);
    if (auto taints = decideTaints(node, meta::formatTime(context_.clock.now()))) spec["taints"] = std::move(*taints);
    if (spec.empty()) return;
    // Bound to what was decided on: another's change of the taints is not undone.
    const json::Value patch = json::Object{
        {"metadata", json::Object{{"resourceVersion", node.metadata().resourceVersion()}}}, {"spec", std::move(spec)}};
    context_.client.patch(Node::kResource(), "", name, client::PatchType::kMerge, patch);
  }

  void addPodCidr(const Node& node, json::Object& spec) {
    if (!node.spec().podCIDR().empty()) return;
    const std::string name(node.metadata().name());
    if (!given_.contains(name)) {
      const auto cidr = decidePodCidr(context_.clusterCidr, context_.nodeCidrMaskSize, takenCidrs());
      if (!cidr) throw meta::internalError("no piece of " + context_.clusterCidr + " is left for node " + name);
      given_.emplace(name, *cidr);
    }
    spec["podCIDR"] = given_[name];
    spec["podCIDRs"] = json::Array{given_[name]};
  }

  // Those that nodes have, and those just given that the cache may not show yet.
  std::set<std::string> takenCidrs() const {
    std::set<std::string> taken;
    for (const auto& object : nodes_.list()) {
      const Node node(object);
      taken.emplace(node.spec().podCIDR());
    }
    for (const auto& [name, cidr] : given_) taken.insert(cidr);
    return taken;
  }

  ControllerContext& context_;
  client::Informer& nodes_;
  std::map<std::string, std::string> given_;  // node -> CIDR; the worker's own
  client::Workqueue queue_{"node-controller"};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

std::optional<std::string> decidePodCidr(std::string_view clusterCidr, int maskSize,
                                         const std::set<std::string>& taken) {
  const auto parts = base::splitOnce(clusterCidr, '/');
  const auto start = parts ? parseIpv4(parts->first) : std::nullopt;
  const auto clusterMask = parts ? base::parseInt<int>(parts->second) : std::nullopt;
  if (!start || !clusterMask || *clusterMask < 1 || *clusterMask > maskSize || maskSize > 32) return std::nullopt;
  const uint64_t pieces = uint64_t{1} << (maskSize - *clusterMask);
  for (uint64_t piece = 0; piece < pieces; ++piece) {
    const auto address = static_cast<uint32_t>(*start + (piece << (32 - maskSize)));
    std::string cidr = fmt::format("{}/{}", renderIpv4(address), maskSize);
    if (!taken.contains(cidr)) return cidr;
  }
  return std::nullopt;
}

std::optional<json::Array> decideTaints(const Node& node, std::string_view now) {
  json::Array taints;
  bool changed = false;
  for (const auto taint : node.spec().taints()) {
    if (isStale(node, taint)) {
      changed = true;
    } else {
      taints.emplace_back(taint.tree());
    }
  }
  for (const auto& rule : kTaintRules) {
    if (!rule.applies(node) || hasTaint(node, rule)) continue;
    taints.push_back(json::Object{{"key", rule.key}, {"effect", "NoSchedule"}, {"timeAdded", now}});
    changed = true;
  }
  if (!changed) return std::nullopt;
  return taints;
}

std::unique_ptr<Controller> makeNodeController(ControllerContext& context) {
  return std::make_unique<NodeController>(context);
}

}  // namespace wherry::controllers
