// What the compilers of Ingresses and of the Gateway API look up beside the objects that they compile.
#pragma once

#include <functional>
#include <string_view>

#include "ingress/served_certificates.h"
#include "meta/object.h"

namespace wherry::ingress {

struct Sources {
  using Lookup = std::function<meta::ObjectPtr(std::string_view ns, std::string_view name)>;  // null: there is none
  Lookup service;
  Lookup secret;
  Lookup nameSpace;  // by name, in no namespace
  Lookup configMap = [](std::string_view, std::string_view) { return meta::ObjectPtr(); };

  // How certificates are read: anew, unless somebody remembers them.
  std::function<CertificatePtr(const std::string& chainPem, const std::string& keyPem)> certificate =
      readServedCertificate;
  std::function<CertificatePtr(const std::string& pem)> authorities = readAuthorities;
};

}  // namespace wherry::ingress
