#include "kubelet/volumes/local_volumes.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/log.h"
#include "client/workqueue.h"
#include "views/core_v1.h"

namespace wherry::kubelet {
namespace {

using core_v1::PersistentVolume;
using meta::ObjectPtr;

constexpr std::string_view kFinalizer = "wherry.dev/local-path";

bool isOnNode(const PersistentVolume& volume, std::string_view node, std::string_view hostname) {
  for (const auto term : volume.spec().nodeAffinity().required().nodeSelectorTerms()) {
    for (const auto& requirements : {term.matchExpressions(), term.matchFields()}) {
      for (const auto requirement : requirements) {
        for (const auto value : requirement.values()) {
          if (value == node || value == hostname) return true;
        }
      }
    }
  }
  return false;
}

}  // namespace

struct LocalVolumes::State {
  client::Client& client;
  client::Informer& volumes;
  client::Informer& nodes;
  std::string node;
  std::string directory;
  base::Log log{"kubelet"};
  client::Workqueue queue{"local-volumes"};
  std::optional<client::ReconcileLoop> loop;

  void reconcile(const std::string& name) {
    const PersistentVolume volume(volumes.get("", name));
    if (!volume || !volume.metadata().deleting() || !volume.metadata().hasFinalizer(kFinalizer)) return;
    const ObjectPtr own = nodes.get("", node);
    if (!isOnNode(volume, node, own ? own->metadata().label("kubernetes.io/hostname") : std::string_view())) return;
    // Somebody still has it: its end comes as an event.
    if (volume.metadata().hasFinalizer("kubernetes.io/pv-protection")) return;
    const std::string path(volume.spec().hostPath().path());
    if (isLocalVolumePath(path, directory)) {
      std::filesystem::remove_all(path);
      log.info("volume {}: its data are removed", name);
    }
    release(volume);
  }

  void release(const PersistentVolume& volume) {
    json::Array rest;
    for (const auto& other : volume.metadata().finalizers()) {
      if (!other.is_string() || other.get_string() != kFinalizer) rest.push_back(other);
    }
    const json::Value patch =
        json::Object{{"metadata", json::Object{{"resourceVersion", volume.metadata().resourceVersion()},
                                               {"finalizers", std::move(rest)}}}};
    try {
      client.patch(PersistentVolume::kResource(), "", volume.metadata().name(), client::PatchType::kMerge, patch);
    } catch (const meta::StatusError& error) {
      if (!error.isNotFound()) throw;
    }
  }
};

LocalVolumes::LocalVolumes(client::Client& client, client::InformerFactory& informers, std::string node,
                           std::string directory)
    : state_(new State{.client = client,
                       .volumes = informers.informer(PersistentVolume::kResource()),
                       .nodes = informers.informer(core_v1::Node::kResource()),
                       .node = std::move(node),
                       .directory = std::move(directory)}) {
  state_->volumes.addHandler({.onChange =
                                  [state = state_.get()](const ObjectPtr&, const ObjectPtr& after) {
                                    if (!after || !after->metadata().deleting()) return;
                                    state->queue.add(std::string(after->metadata().name()));
                                  },
                              .onSynced = {},
                              .onRevision = {}});
}

LocalVolumes::~LocalVolumes() = default;

void LocalVolumes::start() {
  state_->loop.emplace(
      state_->queue, [state = state_.get()](const std::string& name) { state->reconcile(name); }, 1u);
}

bool isLocalVolumePath(std::string_view path, std::string_view directory) {
  if (!path.starts_with(directory) || path.size() <= directory.size() + 1 || path[directory.size()] != '/')
    return false;
  const std::string_view name = path.substr(directory.size() + 1);
  return name.find('/') == name.npos && name != "." && name != "..";
}

}  // namespace wherry::kubelet
