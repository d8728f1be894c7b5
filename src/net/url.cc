#include "net/url.h"

#include <stdexcept>

#include "base/strings.h"

namespace wherry::net {
namespace {

[[noreturn]] void refuse(std::string_view url) {
  throw std::invalid_argument("not a server URL: \"" + std::string(url) + "\"");
}

}  // namespace

ServerUrl parseServerUrl(std::string_view url) {
  ServerUrl result;
  if (url.starts_with("unix:/")) {
    result.endpoint.unixPath = url.substr(5);
    result.hostField = "localhost";
    return result;
  }
  auto scheme = base::splitOnce(url, ':');
  if (!scheme || (scheme->first != "https" && scheme->first != "http") || !scheme->second.starts_with("//"))
    refuse(url);
  result.tls = scheme->first == "https";
  std::string_view rest = scheme->second.substr(2);
  std::string_view authority = rest.substr(0, rest.find('/'));
  result.basePath = rest.substr(authority.size());
  while (result.basePath.ends_with('/')) result.basePath.pop_back();
  result.hostField = authority;

  // The colons inside of "[::1]" are the address's own.
  size_t bracket = authority.rfind(']');
  size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  std::string_view host = authority.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  uint16_t standardPort = result.tls ? 443 : 80;
  auto port = colon == std::string_view::npos ? standardPort : base::parseInt<uint16_t>(authority.substr(colon + 1));
  if (host.empty() || !port || authority.find_first_of(" \r\n@?#") != std::string_view::npos) refuse(url);
  result.endpoint.host = host;
  result.endpoint.port = *port;
  return result;
}

}  // namespace wherry::net
