// libFuzzer: what a storage driver or another plugin may answer over its socket, and what the API is told of it then.
// The first byte chooses the call.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "kubelet/csi/csi_messages.h"
#include "kubelet/csi/csi_node.h"
#include "kubelet/csi/csi_volume.h"

namespace kubelet = wherry::kubelet;

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

void readPlugin(std::string_view message) {
  const auto plugin = kubelet::parsePluginInfo(message);
  if (!plugin || !kubelet::registrationError(*plugin).empty()) return;
  check(!plugin->name.empty() && plugin->name.find('/') == std::string::npos && !plugin->versions.empty());
}

void readNode(std::string_view message) {
  const auto info = kubelet::parseNodeInfo(message);
  if (!info) return;
  const auto drivers = kubelet::renderDrivers({{"d", {.socket = {}, .info = *info, .abilities = {}}}});
  check(drivers.size() == 1 && drivers[0].get_object().contains("allocatable") == (info->maxVolumes > 0));
}

void readAnswers(std::string_view message) {
  if (const auto abilities = kubelet::parseNodeCapabilities(message)) check(abilities->size() <= message.size());
  if (const auto stats = kubelet::parseStats(message)) check(stats->message.size() <= message.size());
  kubelet::parseExpanded(message);
  if (const auto record = kubelet::parseCsiRecord(message)) check(!record->handle.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view message(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 'p') readPlugin(message);
  if (data[0] == 'n') readNode(message);
  if (data[0] == 'a') readAnswers(message);
  return 0;
}
