#include "kubelet/logs/container_logs.h"

#include <cerrno>
#include <filesystem>
#include <functional>
#include <system_error>

#include <fmt/format.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/encoding.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/strings.h"
#include "kubelet/logs/log_files.h"

namespace wherry::kubelet {

namespace fs = std::filesystem;

namespace {

constexpr const char* kOwnerAttribute = "trusted.wherry.data";

std::string ownerOf(const std::string& directory) {
  std::string owner(4096, '\0');
  ssize_t size = ::getxattr(directory.c_str(), kOwnerAttribute, owner.data(), owner.size());
  return owner.substr(0, size < 0 ? 0 : static_cast<size_t>(size));
}

}  // namespace

std::optional<std::string> containerLinkName(const ContainerRecord& record) {
  std::string pod = fs::path(record.log).parent_path().parent_path().filename().string();
  auto parts = base::split(pod, '_');
  if (parts.size() != 3) return std::nullopt;
  // Collectors expect an id of 64 hex digits; the pod's uid, name and attempt make one.
  return fmt::format("{}_{}_{}-{}.log", parts[1], parts[0], record.name, base::sha256Hex(record.id()));
}

ContainerLogs::ContainerLogs(std::string logDir, std::string owner, LogLimits limits, const base::Clock& clock)
    : containers_(std::move(logDir) + "/containers"), owner_(std::move(owner)), rotation_(limits, clock) {
  base::makeDirectories(containers_);
}

void ContainerLogs::started(const ContainerRecord& record, const std::string& bundle) {
  rotation_.watch(record.log, bundle + "/ctl");
  std::string pod = fs::path(record.log).parent_path().parent_path().string();
  ::setxattr(pod.c_str(), kOwnerAttribute, owner_.data(), owner_.size(), 0);  // without it a reset asks the data alone
  auto name = containerLinkName(record);
  if (!name) return;
  std::string link = containers_ + "/" + *name;
  // A collector that finds no link misses a log; the container runs all the same.
  if (::symlink(record.log.c_str(), link.c_str()) != 0 && errno != EEXIST) {
    base::Log("logs").warn("no link {}: {}", link, std::generic_category().message(errno));
  }
}

void ContainerLogs::ended(const ContainerRecord& record) { rotation_.forget(record.log); }

void ContainerLogs::removed(const ContainerRecord& record) {
  rotation_.forget(record.log);
  removeLogFiles(record.log);
  if (auto name = containerLinkName(record)) ::unlink((containers_ + "/" + *name).c_str());
}

namespace {

void removeLinksInto(const std::string& logDir, const std::string& pod) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(logDir + "/containers", error)) {
    if (fs::read_symlink(entry.path(), error).string().starts_with(pod)) fs::remove(entry.path(), error);
  }
}

// The pods' directories that are meant, with the links into them.
void removeDirectories(const std::string& logDir, const std::function<bool(const fs::path& pod)>& isMeant) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(logDir + "/pods", error)) {
    if (!isMeant(entry.path())) continue;
    removeLinksInto(logDir, entry.path().string() + "/");
    fs::remove_all(entry.path(), error);
  }
}

}  // namespace

void removePodLogs(const std::string& logDir, std::string_view uid) {
  std::string end = "_" + std::string(uid);
  removeDirectories(logDir, [&](const fs::path& pod) { return pod.filename().string().ends_with(end); });
}

void removeAllPodLogs(const std::string& dataDir, const std::string& logDir) {
  std::error_code error;
  for (const auto& pod : fs::directory_iterator(dataDir + "/pods", error)) {
    removePodLogs(logDir, pod.path().filename().string());
  }
  removeDirectories(logDir, [&](const fs::path& pod) { return ownerOf(pod.string()) == dataDir; });
  for (const char* directory : {"/containers", "/pods"}) ::rmdir((logDir + directory).c_str());
}

}  // namespace wherry::kubelet
