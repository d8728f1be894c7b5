#include "kubelet/node/node_registration.h"

#include "meta/time.h"
#include "views/coordination_v1.h"
#include "views/core_v1.h"

namespace wherry::kubelet {
namespace {

constexpr std::string_view kLeaseNamespace = "kube-node-lease";

meta::ObjectPtr findNode(client::Client& client, const std::string& name) {
  try {
    return client.get(core_v1::Node::kResource(), {}, name);
  } catch (const meta::StatusError& error) {
    if (!error.isNotFound()) throw;
    return nullptr;
  }
}

const json::Value& part(const json::Value& node, const char* path) {
  static const json::Value kNone;
  const json::Value* found = json::find(node, path);
  return found ? *found : kNone;
}

constexpr int kLeaseSeconds = 40;  // as upstream's

// For `kubectl describe node` and for those who look for a node's Lease. A node in the API server's own process is
// there as long as that answers: nobody renews it, so that an idle cluster writes nothing.
void ensureLease(client::Client& client, const meta::Object& node, base::WallTime now) {
  json::Object owner{
      {"apiVersion", "v1"}, {"kind", "Node"}, {"name", node.metadata().name()}, {"uid", node.metadata().uid()}};
  const json::Value lease = json::Object{{"metadata", json::Object{{"name", node.metadata().name()},
                                                                   {"namespace", kLeaseNamespace},
                                                                   {"ownerReferences", json::Array{std::move(owner)}}}},
                                         {"spec", json::Object{{"holderIdentity", node.metadata().name()},
                                                               {"leaseDurationSeconds", kLeaseSeconds},
                                                               {"renewTime", meta::formatMicroTime(now)}}}};
  try {
    client.create(coordination_v1::Lease::kResource(), kLeaseNamespace, lease);
  } catch (const meta::StatusError& error) {
    if (!error.isAlreadyExists()) throw;
  }
}

}  // namespace

void registerNode(client::Client& client, const json::Value& rendered, base::WallTime now) {
  const auto& resource = core_v1::Node::kResource();
  std::string name(json::getString(rendered, "metadata.name"));
  meta::ObjectPtr live = findNode(client, name);
  if (!live) live = client.create(resource, {}, rendered);
  ensureLease(client, *live, now);
  json::Value wanted = updateNode(live->tree(), rendered);
  if (!json::equal(part(wanted, "metadata.labels"), part(live->tree(), "metadata.labels"))) {
    json::Object labels{{"metadata", json::Object{{"labels", part(wanted, "metadata.labels")}}}};
    live = client.patch(resource, {}, name, client::PatchType::kMerge, labels);
  }
  if (json::equal(part(wanted, "status"), part(live->tree(), "status"))) return;
  json::Object status{{"status", part(wanted, "status")}};
  client.patch(resource, {}, name, client::PatchType::kMerge, status, {.subresource = "status"});
}

}  // namespace wherry::kubelet
