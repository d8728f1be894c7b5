// The messages of the Container Storage Interface (CSI v1, csi.proto) that a node exchanges with a storage driver, and
// of the kubelet's plugin registration (pluginregistration v1). Pure. What comes from a driver is read as far as it is
// understood; nothing (an empty optional) when it is no message at all.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace wherry::kubelet {

using CsiMap = std::map<std::string, std::string>;

// -- registration ----------------------------------------------------------------------------------------------------

struct PluginInfo {
  std::string type;      // "CSIPlugin"
  std::string name;      // of the driver
  std::string endpoint;  // its socket
  std::vector<std::string> versions;
};
std::optional<PluginInfo> parsePluginInfo(std::string_view message);
// "" as `error`: it is registered.
std::string renderRegistrationStatus(std::string_view error);

// -- the driver and its node -----------------------------------------------------------------------------------------

enum class CsiNodeAbility : uint64_t {
  kStage = 1,
  kStats = 2,
  kExpand = 3,
  kCondition = 4,
  kSingleNodeMultiWriter = 5,
  kMountGroup = 6,
};
std::optional<std::set<CsiNodeAbility>> parseNodeCapabilities(std::string_view message);

struct CsiNodeInfo {
  std::string nodeId;
  int64_t maxVolumes = 0;  // 0: as many as there are
  CsiMap topology;         // the node's place
};
std::optional<CsiNodeInfo> parseNodeInfo(std::string_view message);

// -- volumes ---------------------------------------------------------------------------------------------------------

enum class CsiAccessMode : int64_t {
  kSingleNodeWriter = 1,
  kSingleNodeReaderOnly = 2,
  kMultiNodeReaderOnly = 3,
  kMultiNodeSingleWriter = 4,
  kMultiNodeMultiWriter = 5,
  kSingleNodeSingleWriter = 6,
  kSingleNodeMultiWriter = 7,
};

struct CsiCapability {
  bool block = false;
  std::string fsType;
  std::vector<std::string> mountFlags;
  std::string mountGroup;  // a group id; "": none
  CsiAccessMode accessMode = CsiAccessMode::kSingleNodeWriter;
};

// What NodeStageVolume and NodePublishVolume are asked for.
struct CsiMountRequest {
  std::string volumeId;
  CsiMap publishContext;  // of the attachment
  std::string stagingPath;
  std::string targetPath;  // of NodePublishVolume alone
  CsiCapability capability;
  bool readOnly = false;
  CsiMap secrets;
  CsiMap volumeContext;
};
std::string renderStage(const CsiMountRequest& request);
std::string renderPublish(const CsiMountRequest& request);
std::string renderUnstage(std::string_view volumeId, std::string_view stagingPath);
std::string renderUnpublish(std::string_view volumeId, std::string_view targetPath);

struct CsiExpandRequest {
  std::string volumeId;
  std::string volumePath;
  std::string stagingPath;
  int64_t bytes = 0;
  CsiCapability capability{};
  CsiMap secrets{};
};
std::string renderExpand(const CsiExpandRequest& request);
// The size that the volume has now, 0 when the driver doesn't say.
std::optional<int64_t> parseExpanded(std::string_view message);

struct CsiVolumeStats {
  int64_t availableBytes = 0, capacityBytes = 0, usedBytes = 0;
  int64_t freeInodes = 0, inodes = 0, usedInodes = 0;
  std::optional<bool> abnormal;  // nothing when the driver doesn't say
  std::string message;
};
std::string renderStats(std::string_view volumeId, std::string_view volumePath, std::string_view stagingPath);
std::optional<CsiVolumeStats> parseStats(std::string_view message);

}  // namespace wherry::kubelet
