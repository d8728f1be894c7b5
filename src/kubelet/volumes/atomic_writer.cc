#include "kubelet/volumes/atomic_writer.h"

#include <cerrno>
#include <filesystem>
#include <set>

#include <sys/stat.h>
#include <unistd.h>

#include "base/fault_point.h"
#include "base/fd.h"
#include "base/random.h"

namespace wherry::kubelet {
namespace {

namespace fs = std::filesystem;

constexpr const char* kData = "..data";
constexpr mode_t kGroupReads = 0440;
// Of directories; what is made in them is the group's too.
constexpr mode_t kGroupEnters = 02755;

std::string firstPart(const std::string& path) { return path.substr(0, path.find('/')); }

mode_t modeOf(const VolumeFile& file, std::optional<gid_t> group) {
  return static_cast<mode_t>(file.mode) | (group ? kGroupReads : 0);
}

bool shows(const fs::path& data, const Payload& payload, std::optional<gid_t> group) {
  std::error_code error;
  size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(data, error)) files += entry.is_regular_file() ? 1 : 0;
  if (error || files != payload.size()) return false;
  for (const auto& [path, file] : payload) {
    struct stat status {};
    std::string full = (data / path).string();
    if (::stat(full.c_str(), &status) != 0 || (status.st_mode & 07777) != modeOf(file, group)) return false;
    if (file.owner && status.st_uid != *file.owner) return false;
    if (base::readFileIfExists(full) != file.content) return false;
  }
  return true;
}

void give(const std::string& path, std::optional<int64_t> owner, std::optional<gid_t> group) {
  if (!owner && !group) return;
  auto user = owner ? static_cast<uid_t>(*owner) : static_cast<uid_t>(-1);
  if (::chown(path.c_str(), user, group.value_or(static_cast<gid_t>(-1))) != 0) base::throwErrno("chown " + path);
}

void giveDirectory(const std::string& path, std::optional<gid_t> group) {
  if (!group) return;
  give(path, std::nullopt, group);
  if (::chmod(path.c_str(), kGroupEnters) != 0) base::throwErrno("chmod " + path);
}

void writeFiles(const fs::path& directory, const Payload& payload, std::optional<gid_t> group) {
  for (const auto& [path, file] : payload) {
    std::string full = (directory / path).string();
    base::makeDirectories(fs::path(full).parent_path().string());
    base::writeFileAtomic(full, file.content, modeOf(file, group));
    give(full, file.owner, group);
  }
  giveDirectory(directory.string(), group);
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_directory()) giveDirectory(entry.path().string(), group);
  }
}

void linkAtomically(const std::string& target, const fs::path& link) {
  std::string temporary = link.string() + "_tmp";
  ::unlink(temporary.c_str());
  if (::symlink(target.c_str(), temporary.c_str()) != 0) base::throwErrno("symlink " + temporary);
  if (::rename(temporary.c_str(), link.c_str()) != 0) base::throwErrno("rename " + temporary);
}

// What the container names: links through ..data for what there is, none for what there was.
void linkNames(const fs::path& root, const Payload& payload) {
  std::set<std::string> names;
  for (const auto& [path, file] : payload) names.insert(firstPart(path));
  for (const auto& entry : fs::directory_iterator(root)) {
    std::string name = entry.path().filename().string();
    if (!name.starts_with("..") && !names.contains(name)) fs::remove_all(entry.path());
  }
  for (const std::string& name : names) {
    if (!fs::is_symlink(root / name)) linkAtomically(std::string(kData) + "/" + name, root / name);
  }
}

void removeOthers(const fs::path& root, const std::string& version) {
  for (const auto& entry : fs::directory_iterator(root)) {
    std::string name = entry.path().filename().string();
    if (name.starts_with("..v") && name != version) fs::remove_all(entry.path());
  }
}

}  // namespace

bool writePayload(const std::string& directory, const Payload& payload, std::optional<gid_t> group) {
  fs::path root(directory), data = root / kData;
  base::makeDirectories(directory);
  bool stale = !shows(data, payload, group);
  if (stale) {
    std::string version = "..v" + base::randomSuffix(10);
    base::makeDirectories((root / version).string());
    writeFiles(root / version, payload, group);
    giveDirectory(directory, group);
    base::faultPoint("payload-written");
    linkAtomically(version, data);
    base::faultPoint("payload-shown");
  }
  // Also where an earlier life came no further than that.
  linkNames(root, payload);
  removeOthers(root, fs::read_symlink(data).string());
  return stale;
}

}  // namespace wherry::kubelet
