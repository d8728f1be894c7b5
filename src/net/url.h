// The addresses of servers as a client is given them. Pure.
#pragma once

#include <string>
#include <string_view>

#include "net/socket.h"

namespace wherry::net {

struct ServerUrl {
  bool tls = false;
  Endpoint endpoint;
  std::string hostField;  // what the Host field says: "example.org:8443"
  std::string basePath;   // put before the path of every request: "" or "/k8s"
};

// "https://host:port/base", "http://[::1]:8080", "unix:/run/x.sock". Throws std::invalid_argument.
ServerUrl parseServerUrl(std::string_view url);

}  // namespace wherry::net
