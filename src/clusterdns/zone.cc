#include "clusterdns/zone.h"

#include <algorithm>

#include "dns/record.h"

namespace wherry::clusterdns {
namespace {

std::string serviceKey(std::string_view ns, std::string_view name) {
  std::string key(ns);
  key += '/';
  return key += name;
}

// What a PTR record of this address says: a Service's own addresses name the Service, its endpoints' their host.
template <typename F>
void forEachReverse(const ServiceRecords& records, F&& add) {
  if (records.type == ServiceRecords::Type::kClusterIp) {
    for (const auto* addresses : {&records.v4, &records.v6}) {
      for (const std::string& address : *addresses) add(address, records.owner);
    }
  }
  for (const Host& host : records.hosts) {
    for (const auto* addresses : {&host.v4, &host.v6}) {
      for (const std::string& address : *addresses) add(address, host.owner);
    }
  }
}

}  // namespace

const Host* ServiceRecords::findHost(std::string_view label) const {
  auto at = std::lower_bound(hosts.begin(), hosts.end(), label,
                             [](const Host& host, std::string_view wanted) { return host.label < wanted; });
  return at != hosts.end() && at->label == label ? &*at : nullptr;
}

bool ServiceRecords::empty() const { return type == Type::kHeadless && hosts.empty(); }

Zone::Zone(dns::Name domain)
    : domain_(domain.lower()), domainLabels_(domain_.labels().size()), namespaces_(std::make_shared<const Names>()) {
  services_.fill(std::make_shared<const Services>());
  reverse_.fill(std::make_shared<const Reverse>());
}

const ServiceRecords* Zone::findService(std::string_view ns, std::string_view name) const {
  char buffer[2 * dns::kMaxLabel + 1];  // both come from labels of a query
  if (ns.size() > dns::kMaxLabel || name.size() > dns::kMaxLabel) return nullptr;
  char* end = std::copy(ns.begin(), ns.end(), buffer);
  *end++ = '/';
  end = std::copy(name.begin(), name.end(), end);
  std::string_view key(buffer, static_cast<size_t>(end - buffer));
  const Services& shard = *services_[shardOf(key)];
  auto at = shard.find(key);
  return at == shard.end() ? nullptr : at->second.get();
}

const std::vector<std::string>* Zone::findReverse(std::string_view address) const {
  const Reverse& shard = *reverse_[shardOf(address)];
  auto at = shard.find(address);
  return at == shard.end() ? nullptr : &at->second;
}

void ZoneBuilder::setService(std::string_view ns, std::string_view name, ServiceRecordsPtr records) {
  std::string key = serviceKey(ns, name);
  auto& shard = next_.services_[Zone::shardOf(key)];
  auto changed = std::make_shared<Zone::Services>(*shard);
  ServiceRecordsPtr& slot = (*changed)[key];
  if (slot) changeReverse(*slot, false);
  if (records) changeReverse(*records, true);
  slot = std::move(records);
  if (!slot) changed->erase(key);
  shard = std::move(changed);
}

void ZoneBuilder::setNamespace(std::string_view ns, bool exists) {
  auto changed = std::make_shared<Zone::Names>(*next_.namespaces_);
  if (exists)
    changed->emplace(ns);
  else
    changed->erase(std::string(ns));
  next_.namespaces_ = std::move(changed);
}

void ZoneBuilder::changeReverse(const ServiceRecords& records, bool add) {
  // A Service's hosts often fall into the same shard: each is copied once.
  std::map<size_t, std::shared_ptr<Zone::Reverse>> changed;
  forEachReverse(records, [&](const std::string& address, const std::string& owner) {
    size_t index = Zone::shardOf(address);
    auto& shard = changed[index];
    if (!shard) shard = std::make_shared<Zone::Reverse>(*next_.reverse_[index]);
    std::vector<std::string>& names = (*shard)[address];
    auto at = std::find(names.begin(), names.end(), owner);
    if (add && at == names.end()) names.push_back(owner);
    if (!add && at != names.end()) names.erase(at);
    if (names.empty()) shard->erase(address);
  });
  for (auto& [index, shard] : changed) next_.reverse_[index] = std::move(shard);
}

}  // namespace wherry::clusterdns
