// The cluster's names as an immutable snapshot: what the DNS specification for Kubernetes 1.1.0 says that Services,
// EndpointSlices and Namespaces are called, kept per Service and put into answers when they are asked for.
//
// A Zone never changes and may be read from any thread without a lock. A ZoneBuilder makes the next one by copying only
// the shard that a change falls into, so that a change costs the same whatever the number of Services.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/strings.h"
#include "dns/name.h"
#include "json/value.h"
#include "meta/object.h"

namespace wherry::clusterdns {

struct Port {
  std::string name;      // lower case; "" when the Service gives it none
  std::string protocol;  // "tcp", "udp", "sctp"
  uint16_t number = 0;

  auto operator<=>(const Port&) const = default;
};

// One host below a Service: its endpoints that share a hostname (or the one that has none and is called by its
// address).
struct Host {
  std::string label;  // "web-0", "10-1-0-3"
  std::string owner;  // wire form of label.service.namespace.svc.domain
  std::vector<std::string> v4, v6;
  std::vector<Port> ports;
};

// All records of one Service.
struct ServiceRecords {
  enum class Type { kClusterIp, kHeadless, kExternalName };
  Type type = Type::kClusterIp;
  std::string ns, name;
  std::string owner;                // wire form of service.namespace.svc.domain
  std::vector<std::string> v4, v6;  // what the Service's name stands for, 4 and 16 bytes each
  std::vector<Port> ports;          // of a ClusterIP Service
  std::vector<Host> hosts;          // ready endpoints, by label
  std::string cname;                // wire form, of an ExternalName Service

  const Host* findHost(std::string_view label) const;
  // The name has no records at all, and so does not exist: a headless Service without a ready endpoint.
  bool empty() const;
};
using ServiceRecordsPtr = std::shared_ptr<const ServiceRecords>;

// The records of a Service and its slices. Null for a Service that has no name (ExternalName with a broken target).
ServiceRecordsPtr renderService(const dns::Name& domain, const json::Value& service,
                                const std::vector<meta::ObjectPtr>& slices);

class Zone {
 public:
  explicit Zone(dns::Name domain);

  const dns::Name& domain() const { return domain_; }
  size_t domainLabels() const { return domainLabels_; }
  const ServiceRecords* findService(std::string_view ns, std::string_view name) const;
  bool hasNamespace(std::string_view ns) const { return namespaces_->contains(ns); }
  // The names (wire form) of an address of 4 or 16 bytes; null when it has none.
  const std::vector<std::string>* findReverse(std::string_view address) const;

 private:
  friend class ZoneBuilder;
  template <typename V>
  using Map = std::unordered_map<std::string, V, base::StringHash, std::equal_to<>>;
  using Names = std::unordered_set<std::string, base::StringHash, std::equal_to<>>;
  using Services = Map<ServiceRecordsPtr>;
  using Reverse = Map<std::vector<std::string>>;
  static constexpr size_t kShards = 256;
  static size_t shardOf(std::string_view key) { return base::StringHash{}(key) % kShards; }

  dns::Name domain_;
  size_t domainLabels_;
  std::array<std::shared_ptr<const Services>, kShards> services_;
  std::array<std::shared_ptr<const Reverse>, kShards> reverse_;
  std::shared_ptr<const Names> namespaces_;
};

// Makes the next snapshot out of the last one. Not thread-safe.
class ZoneBuilder {
 public:
  explicit ZoneBuilder(dns::Name domain) : next_(std::move(domain)) {}

  // Null: the Service has gone.
  void setService(std::string_view ns, std::string_view name, ServiceRecordsPtr records);
  void setNamespace(std::string_view ns, bool exists);
  std::shared_ptr<const Zone> snapshot() const { return std::make_shared<const Zone>(next_); }

 private:
  void changeReverse(const ServiceRecords& records, bool add);

  Zone next_;
};

}  // namespace wherry::clusterdns
