// The cluster's names as an immutable snapshot: the records of every Service (service_records.h), found by name and by
// address.
//
// A Zone never changes and may be read from any thread without a lock. A ZoneBuilder makes the next one by copying only
// the shards that a change falls into, so that a change costs the same whatever the number of Services.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/strings.h"
#include "clusterdns/service_records.h"
#include "dns/name.h"

namespace wherry::clusterdns {

class Zone {
 public:
  explicit Zone(dns::Name domain);

  const dns::Name& domain() const { return domain_; }
  size_t domainLabels() const { return domainLabels_; }
  // RFC 1035 section 3.3.13: grows with every change (RFC 1982), also over restarts, as revisions of the store do.
  uint32_t serial() const { return serial_; }
  // The data of the SOA record. Its minimum is 0: nobody keeps a negative answer (RFC 2308 section 5).
  const std::string& soa() const { return soa_; }
  // The wire form of the name that the NS record gives: the Service that every cluster has for its DNS.
  const std::string& nameServer() const { return nameServer_; }

  const ServiceRecords* findService(std::string_view ns, std::string_view name) const;
  // The Service called by the two labels of `name` from `label` on, and then svc.<domain>.
  const ServiceRecords* findService(const dns::LowerName& name, size_t label) const;
  bool hasNamespace(std::string_view ns) const { return namespaces_->contains(ns); }

  // An address, and the wire form of the name of a Service that it belongs to.
  struct Named {
    std::array<char, 16> address;
    std::shared_ptr<const std::string> service;
  };
  // The Services of an address of 4 or 16 bytes.
  std::span<const Named> findReverse(std::string_view address) const;

  // All Services come in kShards parts, which makes a walk over them resumable.
  static constexpr size_t kShards = 256;
  template <typename F>
  void forEachService(size_t shard, F&& visit) const {
    for (const Entry& entry : *services_[shard]) visit(*entry.records);
  }

 private:
  friend class ZoneBuilder;
  struct Entry {
    size_t hash;
    ServiceRecordsPtr records;
  };
  using Names = std::unordered_set<std::string, base::StringHash, std::equal_to<>>;
  using Services = std::vector<Entry>;  // by hash
  using Reverse = std::vector<Named>;   // by address

  // `key`: the Service's and the namespace's label in wire form.
  const ServiceRecords* findByKey(std::string_view key) const;
  void setSerial(uint32_t serial);

  dns::Name domain_;
  size_t domainLabels_;
  uint32_t serial_ = 0;
  std::string soa_, nameServer_;
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
  // `revision`: of the store, that the changes since the last snapshot came from.
  std::shared_ptr<const Zone> snapshot(int64_t revision = 0);

 private:
  void changeReverse(const ServiceRecords* before, const ServiceRecords* after);

  Zone next_;
};

}  // namespace wherry::clusterdns
