#include "kubelet/volumes/local_volumes.h"

#include <filesystem>

#include "base/log.h"
#include "client/workqueue.h"
#include "meta/finalizers.h"
#include "meta/node_selector.h"
#include "meta/persistent_volumes.h"

namespace wherry::kubelet {

using core_v1::PersistentVolume;
using meta::ObjectPtr;

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
    if (!volume || !volume.metadata().deleting() || !volume.metadata().hasFinalizer(meta::kLocalProvisioner)) return;
    // Somebody still has it: its end comes as an event.
    if (volume.metadata().hasFinalizer(meta::kVolumeProtection)) return;
    const ObjectPtr own = nodes.get("", node);
    const auto required = volume.spec().nodeAffinity().required();
    if (!own || !meta::matchesNodeSelector(required.tree(), own->metadata())) return;
    if (takesDataAlong(volume, directory)) {
      std::filesystem::remove_all(std::string(volume.spec().hostPath().path()));
      log.info("volume {}: its data are removed", name);
    }
    release(volume);
  }

  void release(const PersistentVolume& volume) {
    try {
      client.patch(PersistentVolume::kResource(), "", volume.metadata().name(), client::PatchType::kMerge,
                   meta::withoutFinalizer(*volume.object(), meta::kLocalProvisioner));
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

bool takesDataAlong(const PersistentVolume& volume, std::string_view directory) {
  return volume.spec().persistentVolumeReclaimPolicy() == "Delete" &&
         isLocalVolumePath(volume.spec().hostPath().path(), directory);
}

bool isLocalVolumePath(std::string_view path, std::string_view directory) {
  if (!path.starts_with(directory) || path.size() <= directory.size() + 1 || path[directory.size()] != '/')
    return false;
  const std::string_view name = path.substr(directory.size() + 1);
  return name.find('/') == name.npos && name != "." && name != "..";
}

}  // namespace wherry::kubelet
