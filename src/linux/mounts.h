// Mounts of this process's mount namespace: what there is, and making and removing them. Stateless; safe from any
// thread. Failures are std::system_error with the path in the text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wherry::linux {

struct Mount {
  std::string target;
  std::string fstype;
  std::string source;
  std::string superOptions;  // "rw,memory" of a cgroup v1 hierarchy
  std::string device{};      // "254:0", of the file system
  std::string root{};        // what of the file system is at the target
  bool shared = false;       // what is mounted below it is seen by its peers
};

// The lines of /proc/self/mountinfo (proc(5)), in mount order, octal escapes undone. Pure.
std::vector<Mount> parseMountInfo(std::string_view text);
std::vector<Mount> readMounts();

// The targets at or below `directory`, the deepest first: the order in which they can be unmounted. Pure.
std::vector<std::string> targetsBelow(const std::vector<Mount>& mounts, std::string_view directory);

// The mount that `directory` is in, null when there is none. Pure.
const Mount* findMountOf(const std::vector<Mount>& mounts, std::string_view directory);
// Whether what is mounted at `directory` is the directory itself, as makeShared() does it. Pure.
bool isBoundOnItself(const std::vector<Mount>& mounts, const std::string& directory);

struct Overlay {
  std::vector<std::string> lower;  // the uppermost first
  std::string upper;               // "": it is read-only, and of two directories at least
  std::string work;
};

void mountOverlay(const Overlay& overlay, const std::string& target);
void mountTmpfs(const std::string& target, std::string_view options);
enum class Access { kReadWrite, kReadOnly };
// `target` exists and is of the kind (directory or file) of `source`.
void bindMount(const std::string& source, const std::string& target, Access access = Access::kReadWrite);

// Mounts below `directory` are seen from then on by the mount namespaces that have it mounted too, and those made there
// are seen here. Where it is part of a mount that isn't shared it becomes one of its own.
void makeShared(const std::string& directory);

// Detaches what is mounted at `target`, how often ever; nothing happens when nothing is.
void unmount(const std::string& target);
// All mounts at or below `directory`.
void unmountBelow(const std::string& directory);

}  // namespace wherry::linux
