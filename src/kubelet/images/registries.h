// Where an image is asked for: mirrors, logins and certificates of registries, by a file that k3s users know
// (registries.yaml):
//
//   mirrors:
//     docker.io:                        # or "*": every registry that is not named
//       endpoint: ["https://mirror.example:5000", "http://127.0.0.1:5001/cache"]
//       rewrite: {"^library/(.*)": "debian/$1"}
//   configs:
//     "mirror.example:5000":            # or "*"
//       auth: {username: u, password: p}          # or auth: <base64 of u:p>, or identity_token
//       tls: {ca_file: F, cert_file: F, key_file: F, insecure_skip_verify: false}
//
// The endpoints are tried in order, the registry itself comes last. Pure values.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"
#include "kubelet/images/reference.h"

namespace wherry::kubelet {

struct RegistryTls {
  std::string caFile;
  std::string certFile;
  std::string keyFile;
  bool insecure = false;  // certificates aren't verified, and plain HTTP will do
};

// One place to ask.
struct RegistryEndpoint {
  std::string host;        // "mirror.example:5000", as logins name it
  std::string repository;  // "debian/nginx", as this endpoint names it
  RegistryTls tls;
  json::Object login;  // its entry in an auth.json (containers-auth.json(5)); empty: none of its own

  // "mirror.example:5000/debian/nginx"
  std::string name() const { return host + "/" + repository; }
};

class Registries {
 public:
  Registries() = default;  // every registry is asked itself
  // Throws std::runtime_error, saying what is wrong. Files that it names are not looked at.
  static Registries parse(std::string_view yaml);
  // An empty path, or one where nothing is: as the default. Throws also when it can't be read; the path is in the text.
  static Registries read(const std::string& path);

  // At least one.
  std::vector<RegistryEndpoint> endpointsFor(const ImageReference& image) const;

 private:
  struct Mirror {
    std::vector<std::string> endpoints;
    std::vector<std::pair<std::string, std::string>> rewrites;  // pattern (RE2) and what takes its place
  };
  struct Config {
    json::Object login;
    RegistryTls tls;
  };
  void readMirror(const std::string& registry, const json::Value& value);
  void readConfig(const std::string& host, const json::Value& value);
  RegistryEndpoint mirrorEndpoint(const std::string& url, const std::string& repository) const;
  void configure(RegistryEndpoint& endpoint) const;

  std::map<std::string, Mirror, std::less<>> mirrors_;
  std::map<std::string, Config, std::less<>> configs_;
};

// The auth.json for one endpoint: the pod's own logins, and the endpoint's where the pod has none for it. "" when there
// are none: then the machine's own logins count.
std::string mergeLogins(const json::Object& podLogins, const RegistryEndpoint& endpoint);

}  // namespace wherry::kubelet
