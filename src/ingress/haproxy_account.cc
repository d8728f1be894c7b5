#include "ingress/haproxy_account.h"

#include <array>
#include <cerrno>
#include <system_error>

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

namespace wherry::ingress {
namespace {

using Buffer = std::array<char, 16384>;

uid_t userNumber(const std::string& name) {
  Buffer buffer{};
  passwd entry{}, *found = nullptr;
  int error = ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (!found) throw std::system_error(error ? error : ENOENT, std::generic_category(), "user " + name);
  return found->pw_uid;
}

gid_t groupNumber(const std::string& name) {
  Buffer buffer{};
  group entry{}, *found = nullptr;
  int error = ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (!found) throw std::system_error(error ? error : ENOENT, std::generic_category(), "group " + name);
  return found->gr_gid;
}

void give(const std::string& path, uid_t user, gid_t group, mode_t mode) {
  if (::chown(path.c_str(), user, group) != 0) base::throwErrno("chown " + path);
  if (::chmod(path.c_str(), mode) != 0) base::throwErrno("chmod " + path);
}

bool isDirectory(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) base::throwErrno("stat " + path);
  return S_ISDIR(status.st_mode);
}

}  // namespace

std::vector<std::string> launcherWords(const Settings& settings, Start start) {
  if (start == Start::kAsRoot) return {};
  // Another's address, and the node's ports 80 and 443.
  const std::string only = "-all,+net_raw,+net_bind_service";
  return {"setpriv", "--reuid=" + settings.user, "--regid=" + settings.group, "--clear-groups",
          "--nnp",   "--inh-caps=" + only,       "--ambient-caps=" + only,    "--bounding-set=" + only};
}

Account::Account(const Settings& settings, Start start) : start_(start) {
  if (start_ == Start::kAsRoot) {
    user_ = ::geteuid();
    group_ = ::getegid();
  } else {
    user_ = userNumber(settings.user);
    group_ = groupNumber(settings.group);
  }
}

void Account::letRead(const std::string& path) const {
  const mode_t execute = isDirectory(path) ? 0110 : 0;
  const mode_t mode = start_ == Start::kAsRoot ? 0600 | (execute & 0100) : 0640 | execute;
  give(path, ::geteuid(), group_, mode);
}

void Account::letWrite(const std::string& path) const { give(path, user_, group_, isDirectory(path) ? 0700 : 0600); }

}  // namespace wherry::ingress
