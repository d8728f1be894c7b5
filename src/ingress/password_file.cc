#include "ingress/password_file.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/strings.h"
#include "ingress/annotation_values.h"

namespace wherry::ingress {
namespace {

// Each hash is tried in the proxy's own time.
constexpr size_t kMostUsers = 10'000;
constexpr size_t kHashBytes = 256;
constexpr std::array<std::string_view, 8> kKnownHashes = {"$1$", "$2a$", "$2b$", "$2y$", "$5$", "$6$", "$7$", "$y$"};
constexpr std::string_view kBetter = "make it with `htpasswd -B` (bcrypt) or `openssl passwd -6` (SHA-512)";

bool isHashCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '/' ||
         c == '$' || c == '=' || c == ',' || c == '-' || c == '_';
}

void add(PasswordFile& file, std::string_view name, std::string_view hash) {
  if (name.empty() || !isUriText(name) || name.find(':') != std::string_view::npos) {
    file.faults.push_back(fmt::format("{} can't be the name of a user", quoted(name)));
  } else if (auto fault = hashFault(hash); !fault.empty()) {
    file.faults.push_back(fmt::format("user {} can't come in: {}", quoted(name), fault));
  } else if (file.users.size() == kMostUsers) {
    if (file.faults.empty() || !file.faults.back().starts_with("more than")) {
      file.faults.push_back(fmt::format("more than {} users", kMostUsers));
    }
  } else {
    file.users.emplace(name, hash);
  }
}

}  // namespace

std::string hashFault(std::string_view hash) {
  if (hash.starts_with("$apr1$") || hash.starts_with("{SHA}") || hash.starts_with("{SSHA}")) {
    return fmt::format("a hash of the form {} can't be checked here, {}",
                       hash.substr(0, hash.find_first_of("$}", 1) + 1), kBetter);
  }
  if (hash.size() > kHashBytes || !std::all_of(hash.begin(), hash.end(), isHashCharacter)) {
    return fmt::format("that is no hash of a password, {}", kBetter);
  }
  const bool known = std::any_of(kKnownHashes.begin(), kKnownHashes.end(),
                                 [&](std::string_view form) { return hash.starts_with(form); });
  // DES: two characters of salt, eleven of hash.
  const bool des = hash.size() == 13 && hash.find_first_of("$=,-_") == std::string_view::npos;
  return known || des ? "" : fmt::format("that is no hash of a password that is known here, {}", kBetter);
}

PasswordFile readPasswordFile(const schema::StringMap& data) {
  PasswordFile file;
  if (!data.has("auth")) {
    file.faults.emplace_back("it has no key \"auth\"");
    return file;
  }
  const std::string text = base::decodeBase64(data.get("auth")).value_or("");
  for (std::string_view line : base::split(std::string_view(text), '\n')) {
    line = base::trim(line);
    if (line.empty() || line.starts_with('#')) continue;
    const auto parts = base::splitOnce(line, ':');
    if (parts) {
      add(file, parts->first, parts->second);
    } else {
      file.faults.emplace_back("a line is not \"name:hash\"");
    }
  }
  return file;
}

PasswordFile readPasswordMap(const schema::StringMap& data) {
  PasswordFile file;
  for (const auto& [name, value] : data.tree()) {
    const auto hash = base::decodeBase64(data.get(name)).value_or("");
    add(file, name, base::trim(hash));
  }
  return file;
}

}  // namespace wherry::ingress
