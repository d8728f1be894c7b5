// Which user a container's process runs as. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wherry::kubelet {

struct ProcessUser {
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::vector<uint32_t> additionalGids;
};

// The image's user database; empty texts when it has none.
struct UserDatabase {
  std::string passwd;  // passwd(5)
  std::string group;   // group(5)
};

// `text` as an image's User: "", "nginx", "101", "nginx:www", "101:101". A number need not be in the database; its
// group is then 0. Throws std::runtime_error, with the name, for a name that isn't in it.
ProcessUser resolveUser(std::string_view text, const UserDatabase& database);

}  // namespace wherry::kubelet
