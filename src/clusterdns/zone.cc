#include "clusterdns/zone.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "dns/record.h"

namespace wherry::clusterdns {
namespace {

using Address = std::array<char, 16>;

// Addresses of both families in one order: v4 ones as RFC 4291 section 2.5.5.2 maps them.
constexpr std::string_view kMapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);

Address keyOf(std::string_view address) {
  Address key{};
  if (address.size() == 4) std::memcpy(key.data(), kMapped.data(), kMapped.size());
  std::memcpy(key.data() + key.size() - address.size(), address.data(), address.size());
  return key;
}

size_t shardOf(std::string_view key) { return base::StringHash{}(key) % Zone::kShards; }
size_t shardOf(const Address& key) { return shardOf(std::string_view(key.data(), key.size())); }

std::string serviceKey(std::string_view ns, std::string_view name) {
  std::string key(1, static_cast<char>(name.size()));
  key += name;
  key += static_cast<char>(ns.size());
  return key += ns;
}

// The addresses that have this Service's names: its own, and its endpoints'.
std::vector<Address> namedAddresses(const ServiceRecords* records) {
  std::vector<Address> out;
  if (!records) return out;
  auto add = [&](std::string_view bytes, size_t each) {
    for (size_t at = 0; at < bytes.size(); at += each) out.push_back(keyOf(bytes.substr(at, each)));
  };
  if (records->type == ServiceRecords::Type::kClusterIp) {
    add(records->v4, 4);
    add(records->v6, 16);
  }
  for (const Host& host : records->hosts) {
    AddressList v4 = records->addresses4(host), v6 = records->addresses6(host);
    for (size_t i = 0; i < v4.size(); ++i) add(v4[i], 4);
    for (size_t i = 0; i < v6.size(); ++i) add(v6[i], 16);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::string below(const dns::Name& domain, std::initializer_list<std::string_view> labels) {
  std::optional<dns::Name> name = domain;
  for (std::string_view label : labels) name = name ? name->child(label) : std::nullopt;
  return name.value_or(domain).wire();
}

}  // namespace

Zone::Zone(dns::Name domain)
    : domain_(domain.lower()),
      domainLabels_(domain_.labels().size()),
      nameServer_(below(domain_, {"svc", "kube-system", "kube-dns"})),
      namespaces_(std::make_shared<const Names>()) {
  services_.fill(std::make_shared<const Services>());
  reverse_.fill(std::make_shared<const Reverse>());
  setSerial(1);
}

void Zone::setSerial(uint32_t serial) {
  serial_ = serial;
  soa_.clear();
  dns::writeRdata(dns::Soa{dns::Name::fromWire(below(domain_, {"dns", "ns"})),
                           dns::Name::fromWire(below(domain_, {"hostmaster"})), serial, 7200, 1800, 86400, 0},
                  soa_);
}

const ServiceRecords* Zone::findByKey(std::string_view key) const {
  size_t hash = base::StringHash{}(key);
  const Services& shard = *services_[hash % kShards];
  auto at = std::lower_bound(shard.begin(), shard.end(), hash,
                             [](const Entry& entry, size_t wanted) { return entry.hash < wanted; });
  for (; at != shard.end() && at->hash == hash; ++at) {
    if (at->records->owner->starts_with(key)) return at->records.get();
  }
  return nullptr;
}

const ServiceRecords* Zone::findService(std::string_view ns, std::string_view name) const {
  if (ns.size() > dns::kMaxLabel || name.size() > dns::kMaxLabel) return nullptr;
  return findByKey(serviceKey(ns, name));
}

const ServiceRecords* Zone::findService(const dns::LowerName& name, size_t label) const {
  return findByKey(name.from(label).substr(0, 2 + name.label(label).size() + name.label(label + 1).size()));
}

std::span<const Zone::Named> Zone::findReverse(std::string_view address) const {
  if (address.size() != 4 && (address.size() != 16 || address.starts_with(kMapped))) return {};
  Address key = keyOf(address);
  const Reverse& shard = *reverse_[shardOf(key)];
  auto first = std::lower_bound(shard.begin(), shard.end(), key,
                                [](const Named& named, const Address& wanted) { return named.address < wanted; });
  auto last = first;
  while (last != shard.end() && last->address == key) ++last;
  return {first, last};
}

void ZoneBuilder::setService(std::string_view ns, std::string_view name, ServiceRecordsPtr records) {
  std::string key = serviceKey(ns, name);
  size_t hash = base::StringHash{}(key);
  auto& shard = next_.services_[hash % Zone::kShards];
  const ServiceRecords* before = next_.findByKey(key);
  if (!before && !records) return;
  changeReverse(before, records.get());
  auto changed = std::make_shared<Zone::Services>();
  changed->reserve(shard->size() + (before ? 0 : 1));
  for (const Zone::Entry& entry : *shard) {
    if (records && entry.hash >= hash && entry.records.get() != before) {
      changed->push_back({hash, std::move(records)});
      records = nullptr;
    }
    if (entry.records.get() != before) changed->push_back(entry);
  }
  if (records) changed->push_back({hash, std::move(records)});
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

void ZoneBuilder::changeReverse(const ServiceRecords* before, const ServiceRecords* after) {
  std::vector<Address> was = namedAddresses(before), is = namedAddresses(after), gone, added;
  std::set_difference(was.begin(), was.end(), is.begin(), is.end(), std::back_inserter(gone));
  std::set_difference(is.begin(), is.end(), was.begin(), was.end(), std::back_inserter(added));
  // Many of them often fall into the same shard: each is copied once.
  std::map<size_t, std::shared_ptr<Zone::Reverse>> changed;
  auto shardFor = [&](const Address& address) -> Zone::Reverse& {
    size_t index = shardOf(address);
    auto& shard = changed[index];
    if (!shard) shard = std::make_shared<Zone::Reverse>(*next_.reverse_[index]);
    return *shard;
  };
  for (const Address& address : gone) {
    std::erase_if(shardFor(address), [&](const Zone::Named& named) {
      return named.address == address && *named.service == *before->owner;
    });
  }
  for (const Address& address : added) {
    Zone::Reverse& shard = shardFor(address);
    auto at = std::upper_bound(shard.begin(), shard.end(), address,
                               [](const Address& wanted, const Zone::Named& named) { return wanted < named.address; });
    shard.insert(at, {address, after->owner});
  }
  for (auto& [index, shard] : changed) next_.reverse_[index] = std::move(shard);
}

std::shared_ptr<const Zone> ZoneBuilder::snapshot(int64_t revision) {
  // Two changes may be told of at the same revision: the second one is a change nevertheless.
  auto serial = static_cast<uint32_t>(revision);
  bool newer = static_cast<int32_t>(serial - next_.serial_) > 0;
  next_.setSerial(newer ? serial : next_.serial_ + 1);
  return std::make_shared<const Zone>(next_);
}

}  // namespace wherry::clusterdns
