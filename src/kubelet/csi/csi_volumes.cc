#include "kubelet/csi/csi_volumes.h"

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <set>

#include <fmt/format.h>

#include "base/fault_point.h"
#include "base/fd.h"
#include "base/log.h"
#include "kubelet/csi/csi_client.h"
#include "kubelet/volumes/group_ownership.h"
#include "kubelet/volumes/payload.h"
#include "linux/mounts.h"
#include "meta/persistent_volumes.h"

namespace wherry::kubelet {

namespace fs = std::filesystem;

namespace {

constexpr const char* kData = "vol_data.json";
constexpr std::chrono::seconds kStatsTimeout{10};

// One at a time for each key; a driver that hangs holds up its own volume alone.
class KeyedLock {
 public:
  class Held {
   public:
    Held(KeyedLock& lock, std::string key) : lock_(lock), key_(std::move(key)) {
      std::unique_lock guard(lock_.mutex_);
      lock_.freed_.wait(guard, [this] { return !lock_.taken_.contains(key_); });
      lock_.taken_.insert(key_);
    }
    ~Held() {
      std::lock_guard guard(lock_.mutex_);
      lock_.taken_.erase(key_);
      lock_.freed_.notify_all();
    }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

   private:
    KeyedLock& lock_;
    std::string key_;
  };

 private:
  std::mutex mutex_;
  std::condition_variable freed_;
  std::set<std::string> taken_;
};

std::vector<fs::path> entriesOf(const fs::path& directory) {
  std::vector<fs::path> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) out.push_back(entry.path());
  return out;
}

std::optional<CsiRecord> recordIn(const fs::path& directory) {
  auto text = base::readFileIfExists((directory / kData).string());
  return text ? parseCsiRecord(*text) : std::nullopt;
}

// Never a tree: what is still mounted must not be emptied.
void removeEmpty(const fs::path& path) {
  std::error_code error;
  fs::remove(path, error);
}

// Throws when something is left in it, which somebody is to look at.
void removeVolumeDirectory(const fs::path& directory) {
  removeEmpty(directory / kData);
  removeEmpty(directory);
  if (fs::exists(directory)) throw std::runtime_error(fmt::format("{} is not empty", directory.string()));
}

// volumeDevices/{publish/<volume>/<pod>,staging/<volume>}: files that devices were shown at, and directories.
void removeBlockLeftovers(const fs::path& devices) {
  for (const fs::path& volume : entriesOf(devices / "publish")) {
    for (const fs::path& device : entriesOf(volume)) removeEmpty(device);
    removeEmpty(volume);
  }
  for (const fs::path& volume : entriesOf(devices / "staging")) removeEmpty(volume);
  for (const char* made : {"publish", "staging", ""}) removeEmpty(devices / made);
}

}  // namespace

struct CsiVolumes::State {
  const CsiDrivers& drivers;
  const CsiPaths paths;
  const std::string node;
  const ObjectLookup lookup;
  const std::function<void(const std::set<std::string>&)> showInUse;
  const base::Log log{"csi"};
  KeyedLock locks{};

  CsiDriver driverOf(const std::string& name) const {
    auto driver = drivers.find(name);
    if (driver) return *driver;
    throw std::runtime_error(fmt::format("driver name {} not found in the list of registered CSI drivers", name));
  }

  storage_v1::CSIDriver options(const std::string& driver) const {
    return storage_v1::CSIDriver(lookup.csiDriver(driver));
  }

  CsiMap secret(const SecretKey& key) const {
    if (key.name.empty()) return {};
    const core_v1::Secret found(lookup.secret(key.ns, key.name));
    if (!found) throw std::runtime_error(fmt::format("secrets \"{}\" not found", key.name));
    const Data data = secretData(found);
    return {data.begin(), data.end()};
  }

  // Nothing without an attachment; throws when there is to be one.
  CsiMap attached(const CsiVolume& volume) const {
    if (!needsAttachment(volume, options(volume.driver))) return {};
    const std::string name = meta::attachmentName(volume.handle, volume.driver, node);
    const storage_v1::VolumeAttachment attachment(lookup.volumeAttachment(name));
    if (!attachment || attachment.metadata().deleting() || !attachment.status().attached()) {
      throw AwaitsAttachment(fmt::format("volume {} is not attached yet", volume.name));
    }
    CsiMap out;
    for (const auto& [key, value] : attachment.status().attachmentMetadata().tree()) {
      if (value.is_string()) out[std::string(key)] = value.get_string();
    }
    return out;
  }

  std::string tokens(const storage_v1::CSIDriver& options, const TokenRequest& request) const {
    if (!options || options.spec().tokenRequests().empty()) return {};
    json::Object out;
    for (auto wanted : options.spec().tokenRequests()) {
      out[wanted.audience()] = request(wanted.audience(), wanted.expirationSecondsOr(3600));
    }
    return json::serialize(out);
  }

  std::string targetOf(const std::string& uid, const std::string& name, bool block) const {
    return block ? paths.blockTarget(uid, name) : paths.target(uid, name);
  }

  std::string stagingOf(const std::string& name, const std::string& driver, const std::string& handle,
                        bool block) const {
    return block ? paths.blockStaging(name) : paths.staging(driver, handle);
  }

  static bool stages(const CsiVolume& volume, const CsiDriver& driver) {
    return !volume.inlined && driver.abilities.contains(CsiNodeAbility::kStage);
  }

  // Throws AwaitsAttachment, and std::runtime_error for what is missing.
  MountFacts factsOf(const std::string& uid, const CsiVolume& volume, const CsiDriver& driver,
                     const TokenRequest& request) const {
    const bool staged = stages(volume, driver);
    return {.abilities = driver.abilities,
            .publishContext = attached(volume),
            .stageSecrets = staged ? secret(volume.stageSecret) : CsiMap(),
            .publishSecrets = secret(volume.publishSecret),
            .tokens = tokens(options(volume.driver), request),
            .stagingPath = staged ? stagingOf(volume.name, volume.driver, volume.handle, volume.block) : "",
            .targetPath = targetOf(uid, volume.name, volume.block)};
  }

  void writeRecord(const std::string& directory, const CsiRecord& record) const {
    base::makeDirectories(directory, 0750);
    base::writeFileAtomic(directory + "/" + kData, json::serialize(renderCsiRecord(record, node)), 0644,
                          base::Durability::kSynced);
  }

  // Of all pods of the node.
  std::vector<CsiRecord> records() const {
    std::vector<CsiRecord> out;
    for (const fs::path& pod : entriesOf(paths.root + "/pods")) {
      for (const fs::path& volume : entriesOf(paths.podVolumes(pod.filename().string()))) {
        if (auto record = recordIn(volume)) out.push_back(std::move(*record));
      }
    }
    return out;
  }

  std::set<std::string> attachedVolumes() const {
    std::set<std::string> out;
    for (const CsiRecord& record : records()) {
      if (!record.attachment.empty()) out.insert(meta::uniqueVolumeName(record.driver, record.handle));
    }
    return out;
  }

  bool isUsed(const CsiRecord& record) const {
    auto all = records();
    return std::any_of(all.begin(), all.end(), [&](const CsiRecord& other) {
      return other.staged && other.driver == record.driver && other.handle == record.handle;
    });
  }

  // REQUIRES: the volume's lock.
  void unstage(const CsiRecord& record, const std::stop_token& stop) const {
    const std::string directory = paths.staged(record.driver, record.handle);
    if (!fs::exists(directory) || isUsed(record)) return;
    const std::string staging = stagingOf(record.name, record.driver, record.handle, record.block);
    CsiClient(driverOf(record.driver).socket, stop).unstage(record.handle, staging);
    base::faultPoint("csi-unstaged");
    removeEmpty(staging);
    removeEmpty(directory + "/" + kData);
    removeEmpty(directory);
  }

  void unpublish(const std::string& uid, const CsiRecord& record, const std::stop_token& stop) {
    KeyedLock::Held held(locks, record.driver + "/" + record.handle);
    const std::string target = targetOf(uid, record.name, record.block), directory = paths.volume(uid, record.name);
    CsiClient(driverOf(record.driver).socket, stop).unpublish(record.handle, target);
    base::faultPoint("csi-unpublished");
    removeEmpty(target);
    if (record.block) removeEmpty(fs::path(target).parent_path());
    removeVolumeDirectory(directory);
    if (record.staged) unstage(record, stop);
  }

  void removeDirectories(const std::string& uid) const {
    const std::string volumes = paths.podVolumes(uid);
    removeEmpty(volumes);
    removeEmpty(fs::path(volumes).parent_path());
    removeEmpty(paths.root + "/pods/" + uid);
  }
};

CsiVolumes::CsiVolumes(const CsiDrivers& drivers, CsiPaths paths, std::string node, ObjectLookup lookup,
                       std::function<void(const std::set<std::string>&)> showInUse)
    : state_(new State{.drivers = drivers,
                       .paths = std::move(paths),
                       .node = std::move(node),
                       .lookup = std::move(lookup),
                       .showInUse = std::move(showInUse)}) {}

CsiVolumes::~CsiVolumes() = default;

const CsiPaths& CsiVolumes::paths() const { return state_->paths; }

void CsiVolumes::checkAttached(const CsiVolume& volume) const { state_->attached(volume); }

void CsiVolumes::setUp(const core_v1::Pod& pod, const CsiVolume& volume, const std::string& claim,
                       const TokenRequest& requestToken, const std::stop_token& stop) {
  State& state = *state_;
  const std::string uid(pod.metadata().uid());
  const auto options = state.options(volume.driver);
  if (auto wrong = findLifecycleViolation(volume, options)) throw std::runtime_error(*wrong);
  const CsiDriver driver = state.driverOf(volume.driver);
  const bool stages = State::stages(volume, driver);
  const MountFacts facts = state.factsOf(uid, volume, driver, requestToken);
  CsiRecord record{.name = volume.name,
                   .driver = volume.driver,
                   .handle = volume.handle,
                   .inlined = volume.inlined,
                   .staged = stages,
                   .block = volume.block,
                   .attachment = needsAttachment(volume, options)
                                     ? meta::attachmentName(volume.handle, volume.driver, state.node)
                                     : std::string(),
                   .claim = claim};
  KeyedLock::Held held(state.locks, volume.driver + "/" + volume.handle);
  const CsiClient client(driver.socket, stop);
  state.writeRecord(state.paths.volume(uid, volume.name), record);
  base::faultPoint("csi-recorded");
  if (!record.attachment.empty()) {
    state.showInUse(state.attachedVolumes());
    state.attached(volume);  // nobody may have begun to detach it meanwhile
  }
  if (stages) {
    state.writeRecord(state.paths.staged(volume.driver, volume.handle), record);
    base::makeDirectories(facts.stagingPath, 0750);
    client.stage(stageRequest(volume, pod, options, facts));
    base::faultPoint("csi-staged");
  }
  if (volume.block) base::makeDirectories(fs::path(facts.targetPath).parent_path().string(), 0750);
  client.publish(publishRequest(volume, pod, options, facts));
  base::faultPoint("csi-published");
  if (changesGroup(volume, pod, options, driver.abilities)) giveToFsGroup(facts.targetPath, pod);
}

bool CsiVolumes::requiresRepublish(const CsiVolume& volume) const {
  return state_->options(volume.driver).spec().requiresRepublish();
}

void CsiVolumes::republish(const core_v1::Pod& pod, const CsiVolume& volume, const TokenRequest& requestToken,
                           const std::stop_token& stop) {
  const CsiDriver driver = state_->driverOf(volume.driver);
  const MountFacts facts = state_->factsOf(std::string(pod.metadata().uid()), volume, driver, requestToken);
  KeyedLock::Held held(state_->locks, volume.driver + "/" + volume.handle);
  CsiClient(driver.socket, stop).publish(publishRequest(volume, pod, state_->options(volume.driver), facts));
}

bool CsiVolumes::holds(const std::string& uid) const {
  if (!entriesOf(state_->paths.podVolumes(uid)).empty()) return true;
  state_->removeDirectories(uid);  // what a crash left of them
  return false;
}

void CsiVolumes::tearDown(const std::string& uid, const std::stop_token& stop) {
  std::string failure;
  bool attached = false;
  for (const fs::path& directory : entriesOf(state_->paths.podVolumes(uid))) {
    auto record = recordIn(directory);
    attached = attached || (record && !record->attachment.empty());
    try {
      if (record) state_->unpublish(uid, *record, stop);
      if (!record) removeVolumeDirectory(directory);  // a crash came before its record
    } catch (const std::exception& error) {
      if (failure.empty()) failure = fmt::format("volume {}: {}", directory.filename().string(), error.what());
    }
  }
  if (attached) state_->showInUse(state_->attachedVolumes());
  if (!failure.empty()) throw std::runtime_error(failure);
  state_->removeDirectories(uid);
}

void CsiVolumes::tearDownLeftovers(const std::string& driver, const std::stop_token& stop) {
  for (const fs::path& directory : entriesOf(state_->paths.root + "/plugins/kubernetes.io/csi/" + driver)) {
    auto record = recordIn(directory);
    if (!record) removeEmpty(directory);  // a crash came before its record
    if (!record) continue;
    try {
      KeyedLock::Held held(state_->locks, record->driver + "/" + record->handle);
      state_->unstage(*record, stop);
    } catch (const std::exception& error) {
      state_->log.warn("volume {} stays staged: {}", record->handle, error.what());
    }
  }
}

int64_t CsiVolumes::expand(const core_v1::Pod& pod, const CsiVolume& volume, int64_t bytes,
                           const std::stop_token& stop) {
  const CsiDriver driver = state_->driverOf(volume.driver);
  if (!driver.abilities.contains(CsiNodeAbility::kExpand)) return 0;
  const std::string uid(pod.metadata().uid());
  const bool stages = driver.abilities.contains(CsiNodeAbility::kStage);
  MountFacts facts{
      .abilities = driver.abilities,
      .publishContext = {},
      .stageSecrets = {},
      .publishSecrets = {},
      .tokens = {},
      .stagingPath = stages ? state_->stagingOf(volume.name, volume.driver, volume.handle, volume.block) : "",
      .targetPath = state_->targetOf(uid, volume.name, volume.block)};
  KeyedLock::Held held(state_->locks, volume.driver + "/" + volume.handle);
  return CsiClient(driver.socket, stop)
      .expand({.volumeId = volume.handle,
               .volumePath = facts.targetPath,
               .stagingPath = facts.stagingPath,
               .bytes = bytes,
               .capability = publishRequest(volume, pod, {}, facts).capability,
               .secrets = state_->secret(volume.expandSecret)});
}

std::optional<CsiVolumeStats> CsiVolumes::stats(const core_v1::Pod& pod, const CsiVolume& volume,
                                                const std::stop_token& stop) const {
  const CsiDriver driver = state_->driverOf(volume.driver);
  if (!driver.abilities.contains(CsiNodeAbility::kStats)) return std::nullopt;
  const std::string staging = State::stages(volume, driver)
                                  ? state_->stagingOf(volume.name, volume.driver, volume.handle, volume.block)
                                  : std::string();
  return CsiClient(driver.socket, stop, kStatsTimeout)
      .stats(volume.handle, state_->targetOf(std::string(pod.metadata().uid()), volume.name, volume.block), staging);
}

void removeCsiLeftovers(const CsiPaths& paths) {
  for (const fs::path& pod : entriesOf(paths.root + "/pods")) {
    const std::string volumes = paths.podVolumes(pod.filename().string());
    if (!fs::exists(volumes)) continue;
    linux::unmountBelow(volumes);
    for (const fs::path& directory : entriesOf(volumes)) {
      if (!recordIn(directory)) continue;
      removeEmpty(directory / "mount");
      removeEmpty(directory / kData);
      removeEmpty(directory);
    }
    removeEmpty(volumes);
    removeEmpty(fs::path(volumes).parent_path());
    removeEmpty(pod);
  }
  const std::string staged = paths.root + "/plugins/kubernetes.io/csi";
  linux::unmountBelow(staged);
  removeBlockLeftovers(staged + "/volumeDevices");
  for (const fs::path& driver : entriesOf(staged)) {
    for (const fs::path& directory : entriesOf(driver)) {
      removeEmpty(directory / "globalmount");
      removeEmpty(directory / kData);
      removeEmpty(directory);
    }
    removeEmpty(driver);
  }
  if (linux::isBoundOnItself(linux::readMounts(), paths.root)) linux::unmount(paths.root);
  for (const char* made :
       {"/plugins/kubernetes.io/csi", "/plugins/kubernetes.io", "/plugins", "/plugins_registry", "/pods", ""}) {
    removeEmpty(paths.root + made);
  }
}

}  // namespace wherry::kubelet
