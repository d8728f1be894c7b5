#include "controllers/name_hash.h"

#include "base/encoding.h"

namespace wherry::controllers {

std::string nameHash(std::string_view text) {
  constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
  std::string hash = std::to_string(base::fnv1a32(text));
  for (char& digit : hash) digit = kAlphabet[static_cast<unsigned char>(digit) % kAlphabet.size()];
  return hash;
}

}  // namespace wherry::controllers
