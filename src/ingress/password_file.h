// The Secrets of auth-secret: names and hashes of passwords. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "schema/view.h"

namespace wherry::ingress {

struct PasswordFile {
  std::map<std::string, std::string> users;  // name -> hash that crypt(3) knows
  std::vector<std::string> faults;           // who can't come in, and why
};

// "auth-file": lines "name:hash" under the key `auth`, as htpasswd writes them. `data` is a Secret's.
PasswordFile readPasswordFile(const schema::StringMap& data);
// "auth-map": each key is a name, its value the hash.
PasswordFile readPasswordMap(const schema::StringMap& data);

// Why crypt(3) can't check a password against it; "" when it can.
std::string hashFault(std::string_view hash);

}  // namespace wherry::ingress
