#include "controllers/node.h"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

#include "base/ip_address.h"
#include "base/strings.h"
#include "client/workqueue.h"
#include "meta/time.h"

namespace wherry::controllers {

namespace {

using core_v1::Node;
using meta::ObjectPtr;

constexpr int kNodeCidrMaskSize6 = 64;  // as upstream

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
    if (!given_.contains(name)) given_.emplace(name, choosePodCidrs(name));
    json::Array cidrs;
    for (const std::string& cidr : given_[name]) cidrs.emplace_back(cidr);
    spec["podCIDR"] = given_[name].front();
    spec["podCIDRs"] = std::move(cidrs);
  }

  std::vector<std::string> choosePodCidrs(const std::string& name) const {
    std::vector<std::string> chosen;
    const std::set<std::string> taken = takenCidrs();
    for (const std::string_view range : base::split(context_.clusterCidr, ',')) {
      const bool isV6 = range.find(':') != range.npos;
      const auto cidr = decidePodCidr(range, isV6 ? kNodeCidrMaskSize6 : context_.nodeCidrMaskSize, taken);
      if (!cidr) throw meta::internalError(fmt::format("no piece of {} is left for node {}", range, name));
      chosen.push_back(*cidr);
    }
    return chosen;
  }

  // Those that nodes have, and those just given that the cache may not show yet.
  std::set<std::string> takenCidrs() const {
    std::set<std::string> taken;
    for (const auto& object : nodes_.list()) {
      const Node node(object);
      taken.emplace(node.spec().podCIDR());
      for (const auto cidr : node.spec().podCIDRs()) taken.emplace(cidr);
    }
    for (const auto& [name, cidrs] : given_) taken.insert(cidrs.begin(), cidrs.end());
    return taken;
  }

  ControllerContext& context_;
  client::Informer& nodes_;
  std::map<std::string, std::vector<std::string>> given_;  // node -> CIDRs; the worker's own
  client::Workqueue queue_{"node-controller"};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

std::optional<std::string> decidePodCidr(std::string_view clusterCidr, int maskSize,
                                         const std::set<std::string>& taken) {
  const auto range = base::IpPrefix::parse(clusterCidr);
  if (!range || maskSize < range->length() || maskSize > base::addressBits(range->family())) return std::nullopt;
  const auto bits = static_cast<uint8_t>(maskSize);
  for (base::IpPrefix piece(range->address(), bits); range->contains(piece.address());) {
    if (std::string cidr = piece.text(); !taken.contains(cidr)) return cidr;
    const base::IpPrefix next(piece.last().plus(1), bits);
    if (next <= piece) break;  // the end of all addresses
    piece = next;
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
