#include "clusterdns/transfer.h"

#include <fmt/format.h>

namespace wherry::clusterdns {
namespace {

using dns::Type;

// A message that names can be compressed in everywhere.
constexpr size_t kMessage = 16'000;
constexpr size_t kFixedPart = 10;  // of a record: type, class, TTL, size

std::string label(std::string_view text) { return std::string(1, static_cast<char>(text.size())) + std::string(text); }

}  // namespace

Transfer::Transfer(std::shared_ptr<const Zone> zone, std::string packet, AnswerOptions options)
    : zone_(std::move(zone)), packet_(std::move(packet)), options_(options) {}

std::optional<std::string_view> Transfer::next(dns::ResponseWriter& writer) {
  auto query = dns::Query::read(packet_);
  if (!query || !fill()) return std::nullopt;
  writer.reset(*query, kMessage);
  writer.setAuthoritative();
  do {
    const Line& line = lines_[at_];
    if (line.owner.size() + kFixedPart + line.data.size() > writer.room()) break;
    writer.addRecord(dns::Section::kAnswer, line.owner, line.type, line.ttl, line.data);
    ++at_;
  } while (fill());
  return writer.finish();
}

// False when nothing is left to write.
bool Transfer::fill() {
  while (at_ == lines_.size()) {
    if (ended_) return false;
    lines_.clear();
    at_ = 0;
    if (!begun_) {
      begun_ = true;
      addApex(true);
    } else if (shard_ < Zone::kShards) {
      zone_->forEachService(shard_++, [&](const ServiceRecords& service) { addService(service); });
    } else {
      ended_ = true;
      addApex(false);
    }
  }
  return true;
}

void Transfer::add(std::string owner, Type type, uint32_t ttl, std::string data) {
  lines_.push_back({std::move(owner), std::move(data), type, ttl});
}

// RFC 5936 section 2.2: the SOA record first and last.
void Transfer::addApex(bool first) {
  const std::string& apex = zone_->domain().wire();
  add(apex, Type::kSoa, options_.ttl, zone_->soa());
  if (!first) return;
  add(apex, Type::kNs, options_.ttl, zone_->nameServer());
  add(label("dns-version") + apex, Type::kTxt, options_.ttl, label("1.1.0"));
}

void Transfer::addService(const ServiceRecords& service) {
  const std::string& owner = *service.owner;
  if (service.type == ServiceRecords::Type::kExternalName) return add(owner, Type::kCname, options_.ttl, service.cname);
  bool headless = service.type == ServiceRecords::Type::kHeadless;
  addAddresses(owner, headless ? options_.headlessTtl : options_.ttl, service.addresses4(), service.addresses6());
  for (const Port& port : service.ports) addPort(owner, port, options_.ttl, kWholeWeight, owner);
  for (const auto* hosts : {&service.hosts, &service.pods}) {
    for (const Host& host : *hosts) addHost(service, host);
  }
  if (!headless) return;
  for (const Host& host : service.hosts) {
    for (const Port& port : service.portsOf(host)) {
      addPort(owner, port, options_.headlessTtl, service.weightOf(host), service.ownerOf(host));
    }
  }
}

void Transfer::addHost(const ServiceRecords& service, const Host& host) {
  std::string owner = service.ownerOf(host);
  addAddresses(owner, options_.headlessTtl, service.addresses4(host), service.addresses6(host));
  for (const Port& port : service.portsOf(host)) {
    addPort(owner, port, options_.headlessTtl, host.weighted ? host.weight : kWholeWeight, owner);
  }
}

void Transfer::addAddresses(const std::string& owner, uint32_t ttl, AddressList v4, AddressList v6) {
  for (size_t i = 0; i < v4.size(); ++i) add(owner, Type::kA, ttl, std::string(v4[i]));
  for (size_t i = 0; i < v6.size(); ++i) add(owner, Type::kAaaa, ttl, std::string(v6[i]));
}

// At the name itself and, when the port has one, at _port._protocol in front of it.
void Transfer::addPort(const std::string& at, const Port& port, uint32_t ttl, uint16_t weight,
                       const std::string& target) {
  std::string data;
  dns::writeRdata(dns::Srv{0, weight, port.number, dns::Name::fromWire(target)}, data);
  if (!port.name.empty()) add(label("_" + port.name) + label("_" + port.protocol) + at, Type::kSrv, ttl, data);
  add(at, Type::kSrv, ttl, std::move(data));
}

}  // namespace wherry::clusterdns
