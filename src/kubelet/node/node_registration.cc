#include "kubelet/node/node_registration.h"

#include "views/core_v1.h"

namespace wherry::kubelet {
namespace {

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

}  // namespace

void registerNode(client::Client& client, const NodeName& node, const Machine& machine, base::WallTime now) {
  const auto& resource = core_v1::Node::kResource();
  json::Value rendered = renderNode(node, machine, now);
  meta::ObjectPtr live = findNode(client, node.name);
  if (!live) live = client.create(resource, {}, rendered);
  json::Value wanted = updateNode(live->tree(), rendered);
  if (!json::equal(part(wanted, "metadata.labels"), part(live->tree(), "metadata.labels"))) {
    json::Object labels{{"metadata", json::Object{{"labels", part(wanted, "metadata.labels")}}}};
    live = client.patch(resource, {}, node.name, client::PatchType::kMerge, labels);
  }
  if (json::equal(part(wanted, "status"), part(live->tree(), "status"))) return;
  json::Object status{{"status", part(wanted, "status")}};
  client.patch(resource, {}, node.name, client::PatchType::kMerge, status, {.subresource = "status"});
}

}  // namespace wherry::kubelet
