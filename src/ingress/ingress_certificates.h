// The certificates that Ingresses bring (spec.tls). Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ingress/routing.h"
#include "ingress/sources.h"
#include "views/networking_v1.h"

namespace wherry::ingress {

class IngressCertificates {
 public:
  // Notes in `secrets` each one that was looked for, found or not.
  IngressCertificates(const Sources& sources, std::set<meta::ObjectKey>& secrets)
      : sources_(sources), secrets_(secrets) {}

  // The oldest Ingress first: a host's certificate is the first one that there is for it. One that can't be served is
  // complained about, and the front door's own is served.
  void add(const networking_v1::Ingress& ingress, std::vector<Complaint>& complaints);

  // HTTPS is meant for the host: some spec.tls names it, or a wildcard that has it.
  bool hasTls(std::string_view host) const;
  std::vector<Certificate> take() { return std::move(certificates_); }

 private:
  struct Holder {
    Origin origin;
    std::string secret;
  };
  struct Known {
    size_t at;  // in certificates_
    std::vector<std::string> names;
  };
  const Known* load(const meta::ObjectKey& secret, const Origin& about, std::vector<Complaint>& complaints);
  void serve(const Known& known, const std::string& host, const Origin& about, std::vector<Complaint>& complaints);

  const Sources& sources_;
  std::set<meta::ObjectKey>& secrets_;
  std::vector<Certificate> certificates_;
  std::map<std::string, Known> known_;  // by their names
  std::set<std::string, std::less<>> tlsHosts_;
  std::map<std::string, Holder> holders_;  // by host
};

// "*.example.com" has "a.example.com" and itself.
bool covers(std::string_view pattern, std::string_view host);

}  // namespace wherry::ingress
