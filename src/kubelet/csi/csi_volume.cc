#include "kubelet/csi/csi_volume.h"

#include <fmt/format.h>

#include "base/encoding.h"

namespace wherry::kubelet {
namespace {

using storage_v1::CSIDriver;

constexpr const char* kPodInfo = "csi.storage.k8s.io/";

CsiMap mapOf(const schema::StringMap& entries) {
  CsiMap out;
  for (const auto& [key, value] : entries.tree()) {
    if (value.is_string()) out[std::string(key)] = value.get_string();
  }
  return out;
}

SecretKey secretOf(const core_v1::SecretReference& reference) {
  return {std::string(reference.namespace_()), std::string(reference.name())};
}

CsiVolume inlineVolume(const core_v1::Pod& pod, const core_v1::Volume& volume) {
  auto source = volume.csi();
  std::string name(volume.name());
  return {.podVolume = name,
          .name = name,
          .driver = std::string(source.driver()),
          .handle = "csi-" + base::sha256Hex(fmt::format("{}{}", pod.metadata().uid(), name)),
          .inlined = true,
          .readOnly = source.readOnly(),
          .fsType = std::string(source.fsType()),
          .mountOptions = {},
          .accessMode = "ReadWriteOnce",
          .attributes = mapOf(source.volumeAttributes()),
          .stageSecret = {},
          .publishSecret = {std::string(pod.metadata().ns()), std::string(source.nodePublishSecretRef().name())},
          .expandSecret = {}};
}

std::string firstMode(const core_v1::PersistentVolumeSpec& spec) {
  auto modes = spec.accessModes();
  return modes.empty() ? "ReadWriteOnce" : std::string(modes[0]);
}

bool hasMode(const CSIDriver& driver, std::string_view mode) {
  if (!driver.spec().hasVolumeLifecycleModes()) return mode == "Persistent";
  for (auto one : driver.spec().volumeLifecycleModes()) {
    if (one == mode) return true;
  }
  return false;
}

std::string modesOf(const CSIDriver& driver) {
  std::string out;
  for (auto one : driver.spec().volumeLifecycleModes()) {
    out += fmt::format("{}\"{}\"", out.empty() ? "" : " ", one);
  }
  return out;
}

// As upstream maps them; the newer two are for drivers that know them.
CsiAccessMode accessModeOf(std::string_view mode, const std::set<CsiNodeAbility>& abilities) {
  bool finer = abilities.contains(CsiNodeAbility::kSingleNodeMultiWriter);
  if (mode == "ReadOnlyMany") return CsiAccessMode::kMultiNodeReaderOnly;
  if (mode == "ReadWriteMany") return CsiAccessMode::kMultiNodeMultiWriter;
  if (!finer) return CsiAccessMode::kSingleNodeWriter;
  return mode == "ReadWriteOncePod" ? CsiAccessMode::kSingleNodeSingleWriter : CsiAccessMode::kSingleNodeMultiWriter;
}

bool drivesGroup(const core_v1::Pod& pod, const std::set<CsiNodeAbility>& abilities) {
  return pod.spec().securityContext().hasFsGroup() && abilities.contains(CsiNodeAbility::kMountGroup);
}

CsiCapability capabilityOf(const CsiVolume& volume, const core_v1::Pod& pod,
                           const std::set<CsiNodeAbility>& abilities) {
  CsiCapability out{.block = volume.block,
                    .fsType = volume.fsType,
                    .mountFlags = volume.mountOptions,
                    .mountGroup = {},
                    .accessMode = accessModeOf(volume.accessMode, abilities)};
  if (drivesGroup(pod, abilities)) out.mountGroup = std::to_string(pod.spec().securityContext().fsGroup());
  return out;
}

CsiMap contextOf(const CsiVolume& volume, const core_v1::Pod& pod, const CSIDriver& driver, const std::string& tokens) {
  CsiMap out = volume.attributes;
  if (driver && driver.spec().podInfoOnMount()) {
    auto metadata = pod.metadata();
    auto add = [&](const char* key, std::string_view value) { out[std::string(kPodInfo) + key] = value; };
    add("pod.name", metadata.name());
    add("pod.namespace", metadata.ns());
    add("pod.uid", metadata.uid());
    add("serviceAccount.name", pod.spec().serviceAccountName());
    add("ephemeral", volume.inlined ? "true" : "false");
  }
  if (!tokens.empty()) out[std::string(kPodInfo) + "serviceAccount.tokens"] = tokens;
  return out;
}

}  // namespace

std::optional<CsiVolume> csiVolumeOf(const core_v1::Pod& pod, const core_v1::Volume& volume,
                                     const core_v1::PersistentVolume& claimed) {
  if (volume.hasCsi()) return inlineVolume(pod, volume);
  if (!claimed || !claimed.spec().hasCsi()) return std::nullopt;
  auto spec = claimed.spec();
  auto source = spec.csi();
  CsiVolume out{.podVolume = std::string(volume.name()),
                .name = std::string(claimed.metadata().name()),
                .driver = std::string(source.driver()),
                .handle = std::string(source.volumeHandle()),
                .inlined = false,
                .block = spec.volumeMode() == "Block",
                .readOnly = source.readOnly() || volume.persistentVolumeClaim().readOnly(),
                .fsType = std::string(source.fsType()),
                .mountOptions = {},
                .accessMode = firstMode(spec),
                .attributes = mapOf(source.volumeAttributes()),
                .stageSecret = secretOf(source.nodeStageSecretRef()),
                .publishSecret = secretOf(source.nodePublishSecretRef()),
                .expandSecret = secretOf(source.nodeExpandSecretRef())};
  for (auto option : spec.mountOptions()) out.mountOptions.emplace_back(option);
  return out;
}

std::string CsiPaths::podVolumes(std::string_view uid) const {
  return fmt::format("{}/pods/{}/volumes/kubernetes.io~csi", root, uid);
}

std::string CsiPaths::nfsVolumes(std::string_view uid) const {
  return fmt::format("{}/pods/{}/volumes/kubernetes.io~nfs", root, uid);
}

std::string CsiPaths::nfsTarget(std::string_view uid, std::string_view name) const {
  return fmt::format("{}/{}", nfsVolumes(uid), name);
}

std::string CsiPaths::volume(std::string_view uid, std::string_view name) const {
  return fmt::format("{}/{}", podVolumes(uid), name);
}

std::string CsiPaths::blockTarget(std::string_view uid, std::string_view name) const {
  return fmt::format("{}/plugins/kubernetes.io/csi/volumeDevices/publish/{}/{}", root, name, uid);
}

std::string CsiPaths::blockStaging(std::string_view name) const {
  return fmt::format("{}/plugins/kubernetes.io/csi/volumeDevices/staging/{}", root, name);
}

std::string CsiPaths::staged(const std::string& driver, const std::string& handle) const {
  return fmt::format("{}/plugins/kubernetes.io/csi/{}/{}", root, driver, base::sha256Hex(handle));
}

json::Value renderCsiRecord(const CsiRecord& record, std::string_view node) {
  return json::Object{{"specVolID", record.name},
                      {"volumeHandle", record.handle},
                      {"driverName", record.driver},
                      {"nodeName", node},
                      {"attachmentID", record.attachment},
                      {"volumeLifecycleMode", record.inlined ? "Ephemeral" : "Persistent"},
                      {"staged", record.staged},
                      {"block", record.block},
                      {"claim", record.claim}};
}

std::optional<CsiRecord> parseCsiRecord(std::string_view text) {
  try {
    json::Value value = json::parse(text);
    auto get = [&](const char* key) { return std::string(json::getString(value, key)); };
    CsiRecord out{.name = get("specVolID"),
                  .driver = get("driverName"),
                  .handle = get("volumeHandle"),
                  .inlined = get("volumeLifecycleMode") == "Ephemeral",
                  .staged = json::getBool(value, "staged"),
                  .block = json::getBool(value, "block"),
                  .attachment = get("attachmentID"),
                  .claim = get("claim")};
    // Other kubelets' records have no such field.
    bool whole = json::find(value, "claim") && !out.name.empty() && !out.driver.empty() && !out.handle.empty();
    return whole ? std::optional(std::move(out)) : std::nullopt;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

std::optional<std::string> findLifecycleViolation(const CsiVolume& volume, const CSIDriver& driver) {
  const char* mode = volume.inlined ? "Ephemeral" : "Persistent";
  if (!driver) {
    if (!volume.inlined) return std::nullopt;
    return fmt::format("volume mode \"{}\" not supported by driver {} (no CSIDriver object)", mode, volume.driver);
  }
  if (hasMode(driver, mode)) return std::nullopt;
  return fmt::format("volume mode \"{}\" not supported by driver {} (only supports [{}])", mode, volume.driver,
                     modesOf(driver));
}

bool needsAttachment(const CsiVolume& volume, const CSIDriver& driver) {
  return !volume.inlined && (!driver || driver.spec().attachRequiredOr(true));
}

CsiMountRequest stageRequest(const CsiVolume& volume, const core_v1::Pod& pod, const CSIDriver&,
                             const MountFacts& facts) {
  return {.volumeId = volume.handle,
          .publishContext = facts.publishContext,
          .stagingPath = facts.stagingPath,
          .targetPath = {},
          .capability = capabilityOf(volume, pod, facts.abilities),
          .readOnly = false,
          .secrets = facts.stageSecrets,
          .volumeContext = volume.attributes};
}

CsiMountRequest publishRequest(const CsiVolume& volume, const core_v1::Pod& pod, const CSIDriver& driver,
                               const MountFacts& facts) {
  return {.volumeId = volume.handle,
          .publishContext = facts.publishContext,
          .stagingPath = facts.stagingPath,
          .targetPath = facts.targetPath,
          .capability = capabilityOf(volume, pod, facts.abilities),
          .readOnly = volume.readOnly,
          .secrets = facts.publishSecrets,
          .volumeContext = contextOf(volume, pod, driver, facts.tokens)};
}

bool changesGroup(const CsiVolume& volume, const core_v1::Pod& pod, const CSIDriver& driver,
                  const std::set<CsiNodeAbility>& abilities) {
  if (!pod.spec().securityContext().hasFsGroup() || volume.block || volume.readOnly || drivesGroup(pod, abilities)) {
    return false;
  }
  std::string_view policy = driver ? driver.spec().fsGroupPolicy() : std::string_view();
  if (policy == "None") return false;
  if (policy == "File") return true;
  return !volume.fsType.empty() && volume.accessMode.starts_with("ReadWriteOnce");
}

}  // namespace wherry::kubelet
