#include "main/node_name.h"

#include "base/strings.h"

namespace wherry::main {
namespace {

constexpr size_t kMaxLength = 253;

bool isPlain(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

}  // namespace

std::string nodeNameOf(std::string_view hostName) {
  std::string name;
  for (char c : base::toLower(hostName).substr(0, kMaxLength)) {
    if (!isPlain(c) && c != '.') c = '-';
    // A label begins and ends with a letter or digit; an empty one is none.
    bool begins = name.empty() || name.back() == '.';
    if (begins && !isPlain(c)) continue;
    while (c == '.' && name.back() == '-') name.pop_back();
    name += c;
  }
  while (!name.empty() && !isPlain(name.back())) name.pop_back();
  return name.empty() ? "node" : name;
}

}  // namespace wherry::main
