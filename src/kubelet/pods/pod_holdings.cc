#include "kubelet/pods/pod_holdings.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace wherry::kubelet {

bool PodHoldings::runs(const std::string& uid) const {
  const auto records = containers.list(uid);
  return std::any_of(records.begin(), records.end(),
                     [](const ContainerRecord& record) { return record.state() == ContainerRecord::State::kRunning; });
}

bool PodHoldings::volumes(const std::string& uid) const {
  std::error_code none;
  return std::filesystem::exists(containers.pathsOf(uid).volumes(), none) ||
         std::filesystem::directory_iterator(storage.podVolumes(uid), none) != std::filesystem::directory_iterator();
}

bool PodHoldings::any(const std::string& uid) const {
  return runs(uid) || sandboxes.find(uid).has_value() || volumes(uid);
}

}  // namespace wherry::kubelet
