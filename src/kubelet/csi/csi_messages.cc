#include "kubelet/csi/csi_messages.h"

#include <tuple>

#include "kubelet/protobuf_reader.h"
#include "schema/protobuf_writer.h"

namespace wherry::kubelet {
namespace {

using schema::ProtobufWriter;

// proto3 leaves out what is empty.
void text(ProtobufWriter& out, uint32_t field, std::string_view value) {
  if (!value.empty()) out.text(field, value);
}

void map(ProtobufWriter& out, uint32_t field, const CsiMap& entries) {
  for (const auto& pair : entries) {
    out.message(field, [&](ProtobufWriter& entry) {
      entry.text(1, pair.first);
      entry.text(2, pair.second);
    });
  }
}

void capability(ProtobufWriter& out, uint32_t field, const CsiCapability& wanted) {
  out.message(field, [&](ProtobufWriter& message) {
    if (wanted.block) {
      message.message(1, [](ProtobufWriter&) {});
    } else {
      message.message(2, [&](ProtobufWriter& mount) {
        text(mount, 1, wanted.fsType);
        for (const std::string& flag : wanted.mountFlags) mount.text(2, flag);
        text(mount, 3, wanted.mountGroup);
      });
    }
    message.message(3, [&](ProtobufWriter& mode) { mode.integer(1, static_cast<int64_t>(wanted.accessMode)); });
  });
}

// VolumeUsage's units.
constexpr uint64_t kBytes = 1, kInodes = 2;

void addUsage(std::string_view message, CsiVolumeStats& stats) {
  int64_t available = 0, total = 0, used = 0;
  uint64_t unit = 0;
  readProtobuf(message, [&](const ProtobufValue& value) {
    auto number = static_cast<int64_t>(value.number);
    if (value.field == 1) available = number;
    if (value.field == 2) total = number;
    if (value.field == 3) used = number;
    if (value.field == 4) unit = value.number;
  });
  if (unit == kBytes)
    std::tie(stats.availableBytes, stats.capacityBytes, stats.usedBytes) = std::tie(available, total, used);
  if (unit == kInodes) std::tie(stats.freeInodes, stats.inodes, stats.usedInodes) = std::tie(available, total, used);
}

void addCondition(std::string_view message, CsiVolumeStats& stats) {
  stats.abnormal = false;
  readProtobuf(message, [&](const ProtobufValue& value) {
    if (value.field == 1) stats.abnormal = value.number != 0;
    if (value.field == 2) stats.message = value.bytes;
  });
}

void addSegments(std::string_view topology, CsiMap& segments) {
  readProtobuf(topology, [&](const ProtobufValue& value) {
    auto entry = value.field == 1 ? readProtobufEntry(value.bytes) : std::nullopt;
    if (entry) segments.insert(*entry);
  });
}

// NodeServiceCapability: {rpc: {type}}.
std::optional<uint64_t> rpcType(std::string_view message) {
  std::optional<uint64_t> type;
  readProtobuf(message, [&](const ProtobufValue& value) {
    if (value.field != 1) return;
    readProtobuf(value.bytes, [&](const ProtobufValue& inner) {
      if (inner.field == 1) type = inner.number;
    });
  });
  return type;
}

}  // namespace

std::optional<PluginInfo> parsePluginInfo(std::string_view message) {
  PluginInfo out;
  bool good = readProtobuf(message, [&](const ProtobufValue& value) {
    if (value.field == 1) out.type = value.bytes;
    if (value.field == 2) out.name = value.bytes;
    if (value.field == 3) out.endpoint = value.bytes;
    if (value.field == 4) out.versions.emplace_back(value.bytes);
  });
  return good ? std::optional(std::move(out)) : std::nullopt;
}

std::string renderRegistrationStatus(std::string_view error) {
  ProtobufWriter out;
  if (error.empty()) out.boolean(1, true);
  text(out, 2, error);
  return out.take();
}

std::optional<std::set<CsiNodeAbility>> parseNodeCapabilities(std::string_view message) {
  std::set<CsiNodeAbility> out;
  bool good = readProtobuf(message, [&](const ProtobufValue& value) {
    auto type = value.field == 1 ? rpcType(value.bytes) : std::nullopt;
    if (type) out.insert(static_cast<CsiNodeAbility>(*type));
  });
  return good ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<CsiNodeInfo> parseNodeInfo(std::string_view message) {
  CsiNodeInfo out;
  bool good = readProtobuf(message, [&](const ProtobufValue& value) {
    if (value.field == 1) out.nodeId = value.bytes;
    if (value.field == 2) out.maxVolumes = static_cast<int64_t>(value.number);
    if (value.field == 3) addSegments(value.bytes, out.topology);
  });
  return good ? std::optional(std::move(out)) : std::nullopt;
}

std::string renderStage(const CsiMountRequest& request) {
  ProtobufWriter out;
  text(out, 1, request.volumeId);
  map(out, 2, request.publishContext);
  text(out, 3, request.stagingPath);
  capability(out, 4, request.capability);
  map(out, 5, request.secrets);
  map(out, 6, request.volumeContext);
  return out.take();
}

std::string renderPublish(const CsiMountRequest& request) {
  ProtobufWriter out;
  text(out, 1, request.volumeId);
  map(out, 2, request.publishContext);
  text(out, 3, request.stagingPath);
  text(out, 4, request.targetPath);
  capability(out, 5, request.capability);
  if (request.readOnly) out.boolean(6, true);
  map(out, 7, request.secrets);
  map(out, 8, request.volumeContext);
  return out.take();
}

std::string renderUnstage(std::string_view volumeId, std::string_view stagingPath) {
  ProtobufWriter out;
  text(out, 1, volumeId);
  text(out, 2, stagingPath);
  return out.take();
}

std::string renderUnpublish(std::string_view volumeId, std::string_view targetPath) {
  return renderUnstage(volumeId, targetPath);  // the same two fields
}

std::string renderExpand(const CsiExpandRequest& request) {
  ProtobufWriter out;
  text(out, 1, request.volumeId);
  text(out, 2, request.volumePath);
  out.message(3, [&](ProtobufWriter& range) { range.integer(1, request.bytes); });
  text(out, 4, request.stagingPath);
  capability(out, 5, request.capability);
  map(out, 6, request.secrets);
  return out.take();
}

std::optional<int64_t> parseExpanded(std::string_view message) {
  int64_t bytes = 0;
  bool good = readProtobuf(message, [&](const ProtobufValue& value) {
    if (value.field == 1) bytes = static_cast<int64_t>(value.number);
  });
  return good ? std::optional(bytes) : std::nullopt;
}

std::string renderStats(std::string_view volumeId, std::string_view volumePath, std::string_view stagingPath) {
  ProtobufWriter out;
  text(out, 1, volumeId);
  text(out, 2, volumePath);
  text(out, 3, stagingPath);
  return out.take();
}

std::optional<CsiVolumeStats> parseStats(std::string_view message) {
  CsiVolumeStats out;
  bool good = readProtobuf(message, [&](const ProtobufValue& value) {
    if (value.field == 1) addUsage(value.bytes, out);
    if (value.field == 2) addCondition(value.bytes, out);
  });
  return good ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace wherry::kubelet
