#include "apiserver/authorization/node_restriction.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "apiserver/admission/fields.h"
#include "apiserver/authentication.h"
#include "apiserver/authorization/node_authorizer.h"

namespace wherry::apiserver {
namespace {

using json::getString;

constexpr std::string_view kMirror = "kubernetes.io/config.mirror";
constexpr std::string_view kLeaseNamespace = "kube-node-lease";
constexpr std::string_view kRestrictedDomain = "node-restriction.kubernetes.io";

// The node that is to be restricted; nothing for everybody else.
std::optional<std::string_view> restrictedNode(const User& user) {
  auto node = nodeOf(user);
  return node && !inGroup(user, kMasters) ? node : std::nullopt;
}

[[noreturn]] void refuse(const AdmissionRequest& request, std::string why) {
  throw meta::forbidden(request.kind.resource.groupResource(), request.name, std::move(why));
}

std::string_view nodeNameOf(const json::Value& object) { return getString(object, "spec.nodeName"); }

bool isInDomain(std::string_view label, std::string_view domain) {
  auto slash = label.find('/');
  if (slash == std::string_view::npos) return false;
  auto own = label.substr(0, slash);
  if (own == domain) return true;
  return own.size() > domain.size() && own.ends_with(domain) && own[own.size() - domain.size() - 1] == '.';
}

// The labels of Kubernetes' own domains that a kubelet keeps.
bool isKubeletLabel(std::string_view label) {
  static constexpr std::array<std::string_view, 11> kLabels = {
      "kubernetes.io/hostname",
      "kubernetes.io/os",
      "kubernetes.io/arch",
      "beta.kubernetes.io/os",
      "beta.kubernetes.io/arch",
      "beta.kubernetes.io/instance-type",
      "node.kubernetes.io/instance-type",
      "topology.kubernetes.io/zone",
      "topology.kubernetes.io/region",
      "failure-domain.beta.kubernetes.io/zone",
      "failure-domain.beta.kubernetes.io/region",
  };
  return std::ranges::find(kLabels, label) != kLabels.end() || isInDomain(label, "kubelet.kubernetes.io") ||
         isInDomain(label, "node.kubernetes.io");
}

bool isForbiddenLabel(std::string_view label) {
  if (isInDomain(label, kRestrictedDomain)) return true;
  return (isInDomain(label, "kubernetes.io") || isInDomain(label, "k8s.io")) && !isKubeletLabel(label);
}

// Those that the write sets, changes or removes, in order, with commas.
std::string forbiddenLabels(const json::Value& object, const json::Value* old) {
  static const json::Object kNone;
  const auto& now = objectAt(object, "metadata.labels");
  const auto& before = old ? objectAt(*old, "metadata.labels") : kNone;
  std::set<std::string> forbidden;
  auto addChanged = [&](const json::Object& labels, const json::Object& others) {
    for (const auto& label : labels) {
      const auto* other = others.if_contains(label.key());
      if ((!other || *other != label.value()) && isForbiddenLabel(label.key())) forbidden.emplace(label.key());
    }
  };
  addChanged(now, before);
  addChanged(before, now);
  return fmt::format("{}", fmt::join(forbidden, ", "));
}

void admitNode(const AdmissionRequest& request, std::string_view node) {
  if (request.name != node) {
    refuse(request, fmt::format("node \"{}\" is not allowed to modify node \"{}\"", node, request.name));
  }
  if (request.operation == Operation::kDelete) return;
  auto labels = forbiddenLabels(request.object, request.old);
  if (!request.old) {
    if (labels.empty()) return;
    refuse(request, fmt::format("node \"{}\" is not allowed to set the following labels: {}", node, labels));
  }
  if (!sameAt(request.object, *request.old, "spec.taints")) {
    refuse(request, fmt::format("node \"{}\" is not allowed to modify taints", node));
  }
  if (!sameAt(request.object, *request.old, "metadata.ownerReferences")) {
    refuse(request, fmt::format("node \"{}\" is not allowed to modify ownerReferences", node));
  }
  if (!labels.empty()) refuse(request, fmt::format("is not allowed to modify labels: {}", labels));
}

void requireOwnedByNode(const AdmissionRequest& request, std::string_view node) {
  const auto& owners = arrayAt(request.object, "metadata.ownerReferences");
  if (owners.size() > 1) {
    refuse(request, fmt::format("node \"{}\" can only create pods with a single owner reference set to itself", node));
  }
  bool own = !owners.empty() && getString(owners[0], "apiVersion") == "v1" && getString(owners[0], "kind") == "Node" &&
             getString(owners[0], "name") == node;
  if (!own)
    refuse(request, fmt::format("node \"{}\" can only create pods with an owner reference set to itself", node));
  if (!json::getBool(owners[0], "controller")) {
    refuse(request,
           fmt::format("node \"{}\" can only create pods with a controller owner reference set to itself", node));
  }
  if (json::getBool(owners[0], "blockOwnerDeletion")) {
    refuse(request, fmt::format("node \"{}\" must not set blockOwnerDeletion on an owner reference", node));
  }
  auto stored = request.objects.find({"", "nodes"}, "", node);
  if (!stored) throw meta::notFound({"", "nodes"}, node);
  if (getString(owners[0], "uid") != stored->metadata().uid()) {
    refuse(request, fmt::format("node {} UID mismatch: expected {} got {}", node, getString(owners[0], "uid"),
                                stored->metadata().uid()));
  }
}

// A mirror pod, by which a node shows what runs on it anyway, leads to no other objects.
void admitMirrorPod(const AdmissionRequest& request, std::string_view node) {
  if (!objectAt(request.object, "metadata.annotations").contains(kMirror)) {
    refuse(request,
           fmt::format("pod does not have \"{}\" annotation, node \"{}\" can only create mirror pods", kMirror, node));
  }
  if (nodeNameOf(request.object) != node) {
    refuse(request, fmt::format("node \"{}\" can only create pods with spec.nodeName set to itself", node));
  }
  requireOwnedByNode(request, node);
  auto plain = request.object;
  plain.as_object()["metadata"].as_object()["annotations"].as_object().erase(kMirror);
  auto references = readPodReferences(plain);
  auto require = [&](bool none, const char* what) {
    if (!none) refuse(request, fmt::format("node \"{}\" can not create pods that reference {}", node, what));
  };
  require(references.serviceAccount.empty(), "a service account");
  require(references.secrets.empty(), "secrets");
  require(references.configMaps.empty(), "configmaps");
  require(references.claims.empty(), "persistentvolumeclaims");
  require(references.resourceClaims.empty(), "resourceclaims");
}

void admitPod(const AdmissionRequest& request, std::string_view node) {
  if (request.operation == Operation::kCreate) return admitMirrorPod(request, node);
  bool own = nodeNameOf(*request.old) == node;
  if (request.operation == Operation::kDelete) {
    if (own) return;
    refuse(request, fmt::format("node \"{}\" can only delete pods with spec.nodeName set to itself", node));
  }
  if (request.subresource != "status") {
    refuse(request, fmt::format("node \"{}\" can only create and delete mirror pods", node));
  }
  if (!own) {
    refuse(request,
           fmt::format("node \"{}\" can only update pod status for pods with spec.nodeName set to itself", node));
  }
  if (!sameAt(request.object, *request.old, "metadata.labels")) {
    refuse(request, fmt::format("node \"{}\" cannot update labels through pod status", node));
  }
  if (!sameAt(request.object, *request.old, "status.resourceClaimStatuses")) {
    refuse(request, fmt::format("node \"{}\" cannot update resource claim statues", node));
  }
}

void admitClaim(const AdmissionRequest& request, std::string_view node) {
  if (request.subresource != "status" || !request.old) refuse(request, "may only update PVC status");
  auto rest = [](json::Value claim) {
    auto& object = claim.as_object();
    for (auto field : {"resourceVersion", "managedFields"}) json::ensureObject(object, "metadata").erase(field);
    auto& status = json::ensureObject(object, "status");
    for (auto field : {"capacity", "conditions", "allocatedResources", "allocatedResourceStatuses"})
      status.erase(field);
    return claim;
  };
  if (json::equal(rest(request.object), rest(*request.old))) return;
  refuse(request, fmt::format("node \"{}\" is not allowed to update fields other than status.capacity and "
                              "status.conditions",
                              node));
}

void admitLease(const AdmissionRequest& request, std::string_view node) {
  if (request.ns != kLeaseNamespace) {
    refuse(request, fmt::format("can only access leases in the \"{}\" system namespace", kLeaseNamespace));
  }
  if (request.name != node) refuse(request, "can only access node lease with the same name as the requesting node");
}

void admitCsiNode(const AdmissionRequest& request, std::string_view node) {
  if (request.name != node) refuse(request, "can only access CSINode with the same name as the requesting node");
}

void admitResourceSlice(const AdmissionRequest& request, std::string_view node) {
  if (nodeNameOf(request.object) == node) return;
  refuse(request, fmt::format("can only create ResourceSlice with the same NodeName as the requesting node"));
}

struct Restricted {
  std::string_view group;
  std::string_view resource;
  void (*admit)(const AdmissionRequest&, std::string_view node);
};
constexpr std::array<Restricted, 6> kRestricted = {{
    {"", "nodes", admitNode},
    {"", "pods", admitPod},
    {"", "persistentvolumeclaims", admitClaim},
    {"coordination.k8s.io", "leases", admitLease},
    {"storage.k8s.io", "csinodes", admitCsiNode},
    {"resource.k8s.io", "resourceslices", admitResourceSlice},
}};

}  // namespace

void restrictNode(const AdmissionRequest& request) {
  auto node = restrictedNode(request.user);
  if (!node) return;
  if (node->empty()) {
    refuse(request, fmt::format("could not determine node from user \"{}\"", request.user.name));
  }
  const auto& resource = request.kind.resource;
  for (const auto& each : kRestricted) {
    if (each.group == resource.group && each.resource == resource.resource) each.admit(request, *node);
  }
}

void restrictEviction(const User& user, const meta::Object& pod) {
  auto node = restrictedNode(user);
  if (!node || nodeNameOf(pod.tree()) == *node) return;
  throw meta::forbidden({"", "pods"}, pod.metadata().name(),
                        fmt::format("node {} can only evict pods with spec.nodeName set to itself", *node));
}

void restrictTokenRequest(const ObjectReader& objects, const User& user, std::string_view ns, std::string_view account,
                          const json::Value& request) {
  auto node = restrictedNode(user);
  if (!node) return;
  auto refuseToken = [&](std::string why) { throw meta::forbidden({"", "serviceaccounts"}, account, std::move(why)); };
  auto text = [&](const char* field) { return getString(request, std::string("spec.boundObjectRef.") + field); };
  if (text("apiVersion") != "v1" || text("kind") != "Pod" || text("name").empty()) {
    refuseToken("node requested token not bound to a pod");
  }
  if (text("uid").empty()) refuseToken("node requested token with a pod binding without a uid");
  auto pod = objects.find({"", "pods"}, ns, text("name"));
  if (!pod) throw meta::notFound({"", "pods"}, text("name"));
  if (pod->metadata().uid() != text("uid")) {
    refuseToken(
        fmt::format("the UID in the bound object reference ({}) does not match the UID in record. The object "
                    "might have been deleted and then recreated",
                    text("uid")));
  }
  if (nodeNameOf(pod->tree()) != *node) {
    refuseToken("node requested token bound to a pod scheduled on a different node");
  }
}

}  // namespace wherry::apiserver
