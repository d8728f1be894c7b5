#include "base/ip.h"

#include <arpa/inet.h>

namespace wherry::base {

std::optional<std::string> parseIp(std::string_view text) {
  // inet_pton would read no further, and take what stands before the NUL for the whole.
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  std::string terminated(text);
  std::string bytes(16, '\0');
  if (::inet_pton(AF_INET, terminated.c_str(), bytes.data()) == 1) return bytes.substr(0, 4);
  if (::inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) return bytes;
  return std::nullopt;
}

std::string formatIp(std::string_view bytes) {
  if (bytes.size() != 4 && bytes.size() != 16) return {};
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
  return text;
}

}  // namespace wherry::base
