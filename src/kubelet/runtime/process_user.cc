#include "kubelet/runtime/process_user.h"

#include <algorithm>
#include <stdexcept>

#include "base/strings.h"

namespace wherry::kubelet {
namespace {

struct PasswdLine {
  std::string_view name;
  uint32_t uid;
  uint32_t gid;
};

std::optional<PasswdLine> parsePasswdLine(std::string_view line) {
  auto fields = base::split(line, ':');
  if (fields.size() < 4) return std::nullopt;
  auto uid = base::parseInt<uint32_t>(fields[2]);
  auto gid = base::parseInt<uint32_t>(fields[3]);
  if (!uid || !gid) return std::nullopt;
  return PasswdLine{fields[0], *uid, *gid};
}

std::optional<PasswdLine> findUser(std::string_view passwd, std::string_view nameOrUid) {
  auto number = base::parseInt<uint32_t>(nameOrUid);
  for (std::string_view line : base::split(passwd, '\n')) {
    auto user = parsePasswdLine(line);
    if (user && (user->name == nameOrUid || (number && user->uid == *number))) return user;
  }
  return std::nullopt;
}

std::optional<uint32_t> findGroup(std::string_view group, std::string_view nameOrGid) {
  if (auto number = base::parseInt<uint32_t>(nameOrGid)) return number;
  for (std::string_view line : base::split(group, '\n')) {
    auto fields = base::split(line, ':');
    if (fields.size() >= 3 && fields[0] == nameOrGid) return base::parseInt<uint32_t>(fields[2]);
  }
  return std::nullopt;
}

std::vector<uint32_t> memberships(std::string_view group, std::string_view user) {
  std::vector<uint32_t> gids;
  for (std::string_view line : base::split(group, '\n')) {
    auto fields = base::split(line, ':');
    if (fields.size() < 4) continue;
    auto members = base::split(fields[3], ',');
    auto gid = base::parseInt<uint32_t>(fields[2]);
    if (gid && std::find(members.begin(), members.end(), user) != members.end()) gids.push_back(*gid);
  }
  return gids;
}

}  // namespace

ProcessUser resolveUser(std::string_view text, const UserDatabase& database) {
  auto parts = base::splitOnce(text, ':');
  std::string_view name = parts ? parts->first : text;
  ProcessUser user;
  if (name.empty()) name = "0";
  if (auto found = findUser(database.passwd, name)) {
    user.uid = found->uid;
    user.gid = found->gid;
    user.additionalGids = memberships(database.group, found->name);
  } else if (auto number = base::parseInt<uint32_t>(name)) {
    user.uid = *number;
  } else {
    throw std::runtime_error("unable to find user " + std::string(name) + ": no matching entries in passwd file");
  }
  if (parts && !parts->second.empty()) {
    auto gid = findGroup(database.group, parts->second);
    if (!gid)
      throw std::runtime_error("unable to find group " + std::string(parts->second) +
                               ": no matching entries in group file");
    user.gid = *gid;
  }
  return user;
}

}  // namespace wherry::kubelet
