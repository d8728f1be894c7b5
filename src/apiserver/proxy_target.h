// Whom a request to {pods,services,nodes}/NAME/proxy is meant for. Pure but for what it reads of the store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "apiserver/admission/admission.h"
#include "apiserver/request_info.h"

namespace wherry::apiserver {

// "name", "name:port" or "scheme:name:port".
struct ProxyName {
  bool tls = false;
  std::string name;
  std::string port;  // "": none; of a service a number or a name
};
std::optional<ProxyName> parseProxyName(std::string_view text);

struct ProxyTarget {
  enum class Kind {
    kPod,      // through its node: `ns`, `pod`, `podUid`, `node`
    kAddress,  // by TCP: `address`
    kNode,     // the node's own paths: `node`
  };
  Kind kind;
  bool tls = false;
  std::string node, ns, pod, podUid;
  std::string address;
  uint16_t port = 0;

  std::string host() const;  // "10.244.0.5:80", as URLs have it
};
// Throws StatusError: NotFound, BadRequest, ServiceUnavailable when a service has no ready endpoint. `random` chooses
// among those it has.
ProxyTarget findProxyTarget(const ObjectReader& objects, const RequestInfo& info, uint32_t random);

// Neither loopback nor link-local, multicast or none: what a client may be led to.
bool isProxyable(std::string_view address);

}  // namespace wherry::apiserver
