#include "apiserver/authorization/node_authorizer.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "apiserver/authentication.h"
#include "apiserver/authorization/default_roles.h"
#include "apiserver/stored_form.h"
#include "meta/selector.h"
#include "meta/status.h"

namespace wherry::apiserver {
namespace {

constexpr std::string_view kNodes = "system:nodes";
constexpr std::string_view kNodePrefix = "system:node:";
constexpr std::string_view kLeaseNamespace = "kube-node-lease";

const Decision kAllowed = {true, ""};

bool isOneOf(std::string_view text, std::initializer_list<std::string_view> list) {
  return std::ranges::find(list, text) != list.end();
}

Decision refused(std::string why) { return {false, std::move(why)}; }

Decision related(bool holds, std::string_view node) {
  if (holds) return kAllowed;
  return refused(fmt::format("no relationship found between node '{}' and this object", node));
}

// Whether a list or watch is narrowed to what has this value.
bool selects(const Attributes& attributes, std::string_view field, std::string_view value) {
  if (attributes.fieldSelector.empty()) return false;
  try {
    return meta::FieldSelector::parse(attributes.fieldSelector).required(field) == value;
  } catch (const meta::StatusError&) {
    return false;  // the list itself will say what is wrong with it
  }
}

// Why this is no "get" of one object; "" when it is.
std::string whyNotGet(const Attributes& attributes) {
  if (attributes.verb != "get") return "can only get individual resources of this type";
  if (!attributes.subresource.empty()) return "cannot get subresource";
  return attributes.name.empty() ? "No Object name found" : "";
}

std::string whyNotRead(const Attributes& attributes) {
  if (!isOneOf(attributes.verb, {"get", "list", "watch"})) return "can only read resources of this type";
  if (!attributes.subresource.empty()) return "cannot read subresource";
  if (attributes.ns.empty()) return "can only read namespaced object of this type";
  return attributes.name.empty() ? "No Object name found" : "";
}

}  // namespace

std::optional<std::string_view> nodeOf(const User& user) {
  if (!inGroup(user, kNodes)) return std::nullopt;
  std::string_view name = user.name;
  return name.starts_with(kNodePrefix) ? name.substr(kNodePrefix.size()) : std::string_view();
}

NodeAuthorizer::NodeAuthorizer(storage::Store& store, const ObjectReader& objects)
    : objects_(objects),
      follower_(store, resourcePrefix({"", "pods"}),
                {[this] { pods_.with([](Pods& pods) { pods = {}; }); },
                 [this](const auto& key, const auto& entry) { take(key, entry); }, [] {}}) {}

void NodeAuthorizer::take(const std::string& key, const storage::EntryPtr& entry) {
  auto references = entry ? readPodReferences(json::parse(entry->bytes)) : PodReferences{};
  pods_.with([&](Pods& pods) {
    if (auto old = pods.nodeOfPod.find(key); old != pods.nodeOfPod.end()) {
      auto ofNode = pods.ofNode.find(old->second);
      ofNode->second.erase(key);
      if (ofNode->second.empty()) pods.ofNode.erase(ofNode);
      pods.nodeOfPod.erase(old);
    }
    if (references.node.empty()) return;
    pods.nodeOfPod[key] = references.node;
    pods.ofNode[references.node][key] = std::move(references);
  });
}

template <typename F>
bool NodeAuthorizer::anyPod(std::string_view node, std::string_view ns, F&& holds) const {
  follower_.catchUp();
  return pods_.with([&](const Pods& pods) {
    auto found = pods.ofNode.find(node);
    if (found == pods.ofNode.end()) return false;
    return std::ranges::any_of(
        found->second, [&](const auto& each) { return (ns.empty() || each.second.ns == ns) && holds(each.second); });
  });
}

bool NodeAuthorizer::names(std::string_view node, const Attributes& attributes, Names PodReferences::*list) const {
  return anyPod(node, attributes.ns, [&](const PodReferences& pod) { return listsText(pod.*list, attributes.name); });
}

Decision NodeAuthorizer::decide(const User& user, const Attributes& attributes) const {
  auto node = nodeOf(user);
  if (!node) return {};
  if (node->empty()) return refused(fmt::format("unknown node for user \"{}\"", user.name));
  return judge(*node, attributes);
}

struct NodeAuthorizer::Judged {
  std::string_view group;
  std::string_view resource;
  Judge judge;
};

Decision NodeAuthorizer::judge(std::string_view node, const Attributes& attributes) const {
  static constexpr std::array<Judged, 12> kJudged = {{
      {"", "secrets", &NodeAuthorizer::judgeSecret},
      {"", "configmaps", &NodeAuthorizer::judgeConfigMap},
      {"", "persistentvolumeclaims", &NodeAuthorizer::judgeClaim},
      {"", "persistentvolumes", &NodeAuthorizer::judgeVolume},
      {"", "serviceaccounts", &NodeAuthorizer::judgeServiceAccount},
      {"", "nodes", &NodeAuthorizer::judgeNode},
      {"", "pods", &NodeAuthorizer::judgePod},
      {"coordination.k8s.io", "leases", &NodeAuthorizer::judgeLease},
      {"resource.k8s.io", "resourceclaims", &NodeAuthorizer::judgeResourceClaim},
      {"resource.k8s.io", "resourceslices", &NodeAuthorizer::judgeResourceSlice},
      {"storage.k8s.io", "csinodes", &NodeAuthorizer::judgeCsiNode},
      {"storage.k8s.io", "volumeattachments", &NodeAuthorizer::judgeAttachment},
  }};
  if (attributes.isResource) {
    for (const auto& each : kJudged) {
      if (each.group == attributes.group && each.resource == attributes.resource) {
        return (this->*each.judge)(node, attributes);
      }
    }
  }
  static const PolicyRules kRules = defaultNodeRules();  // read when the first node asks
  return {std::ranges::any_of(kRules, [&](const PolicyRule& rule) { return rule.permits(attributes); }), ""};
}

// A pod's own, or what the driver of a pod's volume reads.
bool NodeAuthorizer::leadsToSecret(std::string_view node, std::string_view ns, std::string_view name) const {
  std::vector<meta::ObjectKey> claims;
  bool own = anyPod(node, "", [&](const PodReferences& pod) {
    for (const auto& claim : pod.claims) claims.push_back({pod.ns, claim});
    return pod.ns == ns && listsText(pod.secrets, name);
  });
  if (own) return true;
  return std::ranges::any_of(claims, [&](const meta::ObjectKey& key) {
    auto claim = objects_.find({"", "persistentvolumeclaims"}, key.ns, key.name);
    if (!claim) return false;
    auto volume = objects_.find({"", "persistentvolumes"}, "", json::getString(claim->tree(), "spec.volumeName"));
    if (!volume) return false;
    return std::ranges::any_of(readVolumeSecrets(volume->tree()), [&](const SecretReference& secret) {
      return secret.name == name && (secret.ns.empty() ? key.ns : secret.ns) == ns;
    });
  });
}

Decision NodeAuthorizer::judgeSecret(std::string_view node, const Attributes& attributes) const {
  if (auto why = whyNotRead(attributes); !why.empty()) return refused(why);
  return related(leadsToSecret(node, attributes.ns, attributes.name), node);
}

Decision NodeAuthorizer::judgeConfigMap(std::string_view node, const Attributes& attributes) const {
  if (auto why = whyNotRead(attributes); !why.empty()) return refused(why);
  return related(names(node, attributes, &PodReferences::configMaps), node);
}

Decision NodeAuthorizer::judgeClaim(std::string_view node, const Attributes& attributes) const {
  if (attributes.subresource == "status") {
    if (!isOneOf(attributes.verb, {"update", "patch"})) return refused("can only get/update/patch this type");
  } else if (auto why = whyNotGet(attributes); !why.empty()) {
    return refused(why);
  }
  return related(names(node, attributes, &PodReferences::claims), node);
}

Decision NodeAuthorizer::judgeVolume(std::string_view node, const Attributes& attributes) const {
  if (auto why = whyNotGet(attributes); !why.empty()) return refused(why);
  auto volume = objects_.find({"", "persistentvolumes"}, "", attributes.name);
  if (!volume) return related(false, node);
  std::string ns(json::getString(volume->tree(), "spec.claimRef.namespace"));
  auto claim = json::getString(volume->tree(), "spec.claimRef.name");
  if (ns.empty()) return related(false, node);
  return related(anyPod(node, ns, [&](const PodReferences& pod) { return listsText(pod.claims, claim); }), node);
}

Decision NodeAuthorizer::judgeAttachment(std::string_view node, const Attributes& attributes) const {
  if (auto why = whyNotGet(attributes); !why.empty()) return refused(why);
  auto attachment = objects_.find({attributes.group, attributes.resource}, "", attributes.name);
  return related(attachment && json::getString(attachment->tree(), "spec.nodeName") == node, node);
}

Decision NodeAuthorizer::judgeResourceClaim(std::string_view node, const Attributes& attributes) const {
  if (auto why = whyNotGet(attributes); !why.empty()) return refused(why);
  return related(names(node, attributes, &PodReferences::resourceClaims), node);
}

Decision NodeAuthorizer::judgeResourceSlice(std::string_view node, const Attributes& attributes) const {
  if (!attributes.subresource.empty()) return refused("cannot authorize ResourceSlice subresources");
  if (attributes.verb == "create") return kAllowed;  // admission looks at the node that it names
  if (isOneOf(attributes.verb, {"get", "update", "patch", "delete"})) {
    auto slice = objects_.find({attributes.group, attributes.resource}, "", attributes.name);
    return related(slice && json::getString(slice->tree(), "spec.nodeName") == node, node);
  }
  if (selects(attributes, "spec.nodeName", node)) return kAllowed;
  return refused("can only list/watch/deletecollection resourceslices with nodeName field selector");
}

Decision NodeAuthorizer::judgeServiceAccount(std::string_view node, const Attributes& attributes) const {
  bool reads = attributes.verb == "get" && attributes.subresource.empty();
  if (!reads && (attributes.verb != "create" || attributes.name.empty())) {
    return refused("can only create tokens for individual service accounts");
  }
  if (!reads && attributes.subresource != "token") {
    return refused("can only create token subresource of serviceaccount");
  }
  return related(anyPod(node, attributes.ns, [&](const auto& pod) { return pod.serviceAccount == attributes.name; }),
                 node);
}

Decision NodeAuthorizer::judgeLease(std::string_view node, const Attributes& attributes) const {
  if (!isOneOf(attributes.verb, {"get", "create", "update", "patch", "delete"})) {
    return refused("can only get, create, update, patch, or delete a node lease");
  }
  if (attributes.ns != kLeaseNamespace) {
    return refused(fmt::format("can only access leases in the \"{}\" system namespace", kLeaseNamespace));
  }
  if (attributes.verb == "create" || attributes.name == node) return kAllowed;
  return refused("can only access node lease with the same name as the requesting node");
}

Decision NodeAuthorizer::judgeCsiNode(std::string_view node, const Attributes& attributes) const {
  if (!isOneOf(attributes.verb, {"get", "create", "update", "patch", "delete"})) {
    return refused("can only get, create, update, patch, or delete a CSINode");
  }
  if (!attributes.subresource.empty()) return refused("cannot authorize CSINode subresources");
  if (attributes.verb == "create" || attributes.name == node) return kAllowed;
  return refused("can only access CSINode with the same name as the requesting node");
}

Decision NodeAuthorizer::judgeNode(std::string_view node, const Attributes& attributes) const {
  const auto& verb = attributes.verb;
  if (attributes.subresource == "status") return {isOneOf(verb, {"update", "patch"}), ""};
  if (!attributes.subresource.empty()) return {};
  if (isOneOf(verb, {"create", "update", "patch"})) return kAllowed;  // admission: its own
  if (!isOneOf(verb, {"get", "list", "watch"})) return {};
  if (attributes.name == node) return kAllowed;
  if (attributes.name.empty()) {
    return refused(fmt::format("node '{}' cannot read all nodes, only its own Node object", node));
  }
  return refused(fmt::format("node '{}' cannot read '{}', only its own Node object", node, attributes.name));
}

Decision NodeAuthorizer::judgePod(std::string_view node, const Attributes& attributes) const {
  const auto& verb = attributes.verb;
  if (attributes.subresource == "status") return {isOneOf(verb, {"update", "patch"}), ""};
  if (attributes.subresource == "eviction") return {verb == "create", ""};
  if (!attributes.subresource.empty()) return {};
  if (isOneOf(verb, {"create", "delete"})) return kAllowed;  // admission: mirror pods, and its own
  if (!isOneOf(verb, {"get", "list", "watch"})) return {};
  if (selects(attributes, "spec.nodeName", node)) return kAllowed;
  if (attributes.name.empty()) return refused("can only list/watch pods with spec.nodeName field selector");
  return related(anyPod(node, attributes.ns, [&](const PodReferences& pod) { return pod.name == attributes.name; }),
                 node);
}

}  // namespace wherry::apiserver
