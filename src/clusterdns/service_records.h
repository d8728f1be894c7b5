// What one Service is called (DNS specification for Kubernetes 1.1.0): its records, packed so that a hundred thousand
// endpoints take little memory and are put into answers without a detour. Immutable once rendered; safe from any
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

// Addresses of one family, one behind the other.
class AddressList {
 public:
  AddressList(std::string_view bytes, size_t each) : bytes_(bytes), each_(each) {}
  size_t size() const { return bytes_.size() / each_; }
  bool empty() const { return bytes_.empty(); }
  std::string_view operator[](size_t index) const { return bytes_.substr(index * each_, each_); }
  bool contains(std::string_view address) const;

 private:
  std::string_view bytes_;
  size_t each_;
};

// A name below a Service: the endpoints that share a hostname, an endpoint that has none and is called by its address,
// or a pod by its own name. What it holds stands in its ServiceRecords.
struct Host {
  uint32_t nameAt = 0;
  uint32_t v4At = 0, v6At = 0;
  uint16_t v4Count = 0, v6Count = 0;
  uint16_t ports = 0;
  uint16_t weight = 0;
  uint8_t nameSize = 0;
  bool weighted = false;  // the weight is somebody's wish
};

// Of an SRV record that stands alone.
inline constexpr uint16_t kWholeWeight = 100;

struct ServiceRecords {
  enum class Type : uint8_t { kClusterIp, kHeadless, kExternalName };
  Type type = Type::kClusterIp;
  bool weighted = false;                     // at least one host is
  std::shared_ptr<const std::string> owner;  // wire form of service.namespace.svc.domain
  std::string v4, v6;                        // what the Service's name stands for
  std::vector<Port> ports;                   // of a ClusterIP Service
  std::vector<Host> hosts;                   // ready endpoints, by name
  std::vector<Host> pods;                    // pods behind a headless Service whose names are not a host's, by name
  std::string cname;                         // wire form, of an ExternalName Service
  std::vector<std::vector<Port>> portSets;   // what hosts listen on
  std::string names, hostV4, hostV6;         // of all hosts

  AddressList addresses4() const { return {v4, 4}; }
  AddressList addresses6() const { return {v6, 16}; }
  AddressList addresses4(const Host& host) const { return {slice(hostV4, host.v4At, host.v4Count, 4), 4}; }
  AddressList addresses6(const Host& host) const { return {slice(hostV6, host.v6At, host.v6Count, 16), 16}; }
  const std::vector<Port>& portsOf(const Host& host) const { return portSets[host.ports]; }
  // The labels of a host in front of the Service's, in wire form without an end.
  std::string_view nameOf(const Host& host) const { return std::string_view(names).substr(host.nameAt, host.nameSize); }
  // The weight of one host among all in SRV records: as its pods' annotations say, if any does, else an equal share.
  uint16_t weightOf(const Host& host) const;
  // The wire form of a host's whole name.
  std::string ownerOf(const Host& host) const { return std::string(nameOf(host)) + *owner; }

  // By labels in wire form, as nameOf().
  const Host* findHost(std::string_view name) const;
  // A pod's name may have dots: whether some host's name ends with these labels.
  bool hasBelow(std::string_view name) const;
  // The name has no records at all, and so does not exist: a headless Service without a ready endpoint.
  bool empty() const { return type == Type::kHeadless && hosts.empty(); }

 private:
  static std::string_view slice(const std::string& all, size_t at, size_t count, size_t each) {
    return std::string_view(all).substr(at * each, count * each);
  }
};
using ServiceRecordsPtr = std::shared_ptr<const ServiceRecords>;

// The weight that somebody wishes a pod to have in SRV records; nothing when nobody does.
using WeightOf = std::function<std::optional<uint16_t>(std::string_view ns, std::string_view pod)>;

// The annotation of a Pod that says so: 0 to 65535 (RFC 2782).
inline constexpr std::string_view kWeightAnnotation = "wherry.dev/srv-weight";
std::optional<uint16_t> weightOf(const meta::Object& pod);

// The records of a Service and its slices. Null for a Service that has no name (ExternalName with a broken target).
ServiceRecordsPtr renderService(const dns::Name& domain, const json::Value& service,
                                const std::vector<meta::ObjectPtr>& slices, const WeightOf& weights = {});

}  // namespace wherry::clusterdns
