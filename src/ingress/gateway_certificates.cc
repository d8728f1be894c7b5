#include "ingress/gateway_certificates.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "ingress/gateway_hosts.h"
#include "views/core_v1.h"

namespace wherry::ingress {
namespace {

using gateway_v1::SecretObjectReference;

std::string dataOf(const core_v1::Secret& secret, std::string_view key) {
  return base::decodeBase64(secret.data().get(key)).value_or("");
}

// A listener's only certificate is for its hostname, whatever it says itself; of several each is for its own names.
std::vector<HostPattern> hostsOf(const GatewayListener& listener, const std::vector<std::string>& names, bool isFirst,
                                 bool isOnly) {
  std::vector<HostPattern> hosts;
  if (isFirst) hosts.push_back(hostPattern(listener.hostname));
  if (isOnly) return hosts;
  for (const std::string& name : names) {
    if (name != listener.hostname && isWithin(name, listener.hostname)) hosts.push_back({name});
  }
  return hosts;
}

class Loader {
 public:
  Loader(GatewayListener& listener, const ListenerInput& input) : listener_(listener), input_(input) {}

  void load(const SecretObjectReference& reference, bool isOnly) {
    const std::string own(listener_.gateway.metadata().ns());
    const meta::ObjectKey key{reference.namespace_().empty() ? own : std::string(reference.namespace_()),
                              std::string(reference.name())};
    if (!reference.group().empty() || reference.kind() != "Secret") {
      return fail("InvalidCertificateRef",
                  fmt::format("{} \"{}\": only Secrets can be certificates", reference.kind(), reference.name()));
    }
    if (!input_.grants.permit({"Gateway", own, "Secret", key.ns, key.name})) {
      return fail(
          "RefNotPermitted",
          fmt::format("no ReferenceGrant in namespace {} allows the reference to Secret \"{}\"", key.ns, key.name));
    }
    serve(key, isOnly);
  }

 private:
  void serve(const meta::ObjectKey& key, bool isOnly) {
    input_.secrets.insert(key);
    const core_v1::Secret secret(input_.sources.secret(key.ns, key.name));
    if (!secret) return fail("InvalidCertificateRef", fmt::format("Secret \"{}\" not found", key.text()));
    const auto read = input_.sources.certificate(dataOf(secret, "tls.crt"), dataOf(secret, "tls.key"));
    if (!read->fault.empty()) {
      return fail("InvalidCertificateRef", fmt::format("Secret \"{}\": {}", key.text(), read->fault));
    }
    auto hosts = hostsOf(listener_, read->names, listener_.certificates.empty(), isOnly);
    listener_.certificates.push_back({key.text(), read->pem, std::move(hosts)});
  }

  void fail(std::string reason, std::string message) {
    listener_.unresolved = Finding{std::move(reason), std::move(message)};
  }

  GatewayListener& listener_;
  const ListenerInput& input_;
};

}  // namespace

void loadCertificates(GatewayListener& listener, const ListenerInput& input) {
  Loader loader(listener, input);
  const auto references = listener.spec.tls().certificateRefs();
  for (const auto reference : references) loader.load(reference, references.size() == 1);
  if (references.empty()) listener.unresolved = {"InvalidCertificateRef", "tls.certificateRefs names no certificate"};
}

}  // namespace wherry::ingress
