// Where names outside of the cluster are asked, put together out of flags, the ConfigMap kube-system/kube-dns and the
// node's resolv.conf. Plain values; pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clusterdns/upstream.h"
#include "dns/name.h"
#include "json/value.h"

namespace wherry::clusterdns {

// What flags say.
struct ForwardConfig {
  UpstreamList upstreams;  // empty: the node's resolvers
  std::vector<StubDomain> stubDomains;
  std::vector<std::pair<std::string, std::string>> hosts;  // names and addresses
  std::string hostsFile;                                   // in the form of hosts(5); "": none
  std::string tlsCaFile;                                   // whom resolvers over TLS are believed by; "": the system's
};

// What the ConfigMap says, in kube-dns' words; a key that is wrong counts as missing, and is told of.
//
//   stubDomains: '{"acme.local": ["192.0.2.1"]}'
//   upstreamNameservers: '["192.0.2.2", "tls://192.0.2.3#dns.example"]'
//   hosts: |
//     192.0.2.7 boat.example
struct DnsConfigMap {
  UpstreamList upstreams;
  std::vector<StubDomain> stubDomains;
  std::string hosts;
  std::vector<std::string> mistakes;  // "upstreamNameservers: ..."
};
// `object`: the ConfigMap; null: there is none.
DnsConfigMap parseDnsConfigMap(const json::Value* object);

// "DOMAIN=UPSTREAM,UPSTREAM". Nothing for anything else.
std::optional<StubDomain> parseStubDomain(std::string_view text);

// Who is asked for what: of all domains the longest that the name is at or below; "." is there unless nobody is known.
// `nodes`: the node's resolvers. The ConfigMap's word is taken over the flags'. `own`: the address we serve ourselves,
// which is never asked.
std::vector<StubDomain> decideRoutes(const ForwardConfig& flags, const DnsConfigMap& configMap,
                                     const UpstreamList& nodes, const std::string& own);
// The index of the route for a name in wire form and lower case; nothing: nobody.
std::optional<size_t> findRoute(const std::vector<StubDomain>& routes, const dns::Name& name);

}  // namespace wherry::clusterdns
