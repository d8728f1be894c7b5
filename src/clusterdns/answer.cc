#include "clusterdns/answer.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "clusterdns/answer_question.h"

namespace wherry::clusterdns {

using dns::Rcode;
using dns::Section;
using dns::Type;

namespace {

bool wantsAddress(Type type) { return type == Type::kA || type == Type::kAaaa; }

// "10-1-0-9" and "fd00--9": the address in a pod's record.
std::optional<std::string> parsePodLabel(std::string_view label) {
  std::string text(label);
  std::replace(text.begin(), text.end(), '-', '.');
  if (auto address = dns::parseAddress(text)) return address;
  std::replace(text.begin(), text.end(), '.', ':');
  auto address = dns::parseAddress(text);
  return address && address->size() == 16 ? address : std::nullopt;
}

// RFC 1918, 3927, 4193 and 4291, and loopback.
bool isPrivate(std::string_view address) {
  auto byte = [&](size_t index) { return static_cast<unsigned char>(address[index]); };
  if (address.size() == 16) return (byte(0) & 0xfe) == 0xfc || (byte(0) == 0xfe && (byte(1) & 0xc0) == 0x80);
  return byte(0) == 10 || byte(0) == 127 || (byte(0) == 172 && (byte(1) & 0xf0) == 16) ||
         (byte(0) == 192 && byte(1) == 168) || (byte(0) == 169 && byte(1) == 254);
}

bool isSrvLabel(std::string_view label) { return label.size() > 1 && label[0] == '_'; }

bool matches(const Port& port, const Port* wanted) {
  return !wanted || (port.name == wanted->name && port.protocol == wanted->protocol);
}

template <typename Predicate>
const Port* findPort(const std::vector<Port>& ports, Predicate matches) {
  auto at = std::find_if(ports.begin(), ports.end(), matches);
  return at == ports.end() ? nullptr : &*at;
}

// Looks among the ports of one host or else of the Service itself or, when it is headless, of any of its hosts.
template <typename Predicate>
const Port* findPort(const ServiceRecords& service, const Host* host, Predicate matches) {
  if (host) return findPort(service.portsOf(*host), matches);
  if (service.type != ServiceRecords::Type::kHeadless) return findPort(service.ports, matches);
  for (const auto& set : service.portSets) {
    if (const Port* port = findPort(set, matches)) return port;
  }
  return nullptr;
}

// Questions about the message or the zone itself (RFC 6895 section 3.1) that have no records, AXFR and IXFR among them.
bool isMeta(Type type) {
  auto number = static_cast<uint16_t>(type);
  return type == Type::kOpt || (number >= 128 && number < 255);
}

// The wire form of a host's name, without an allocation. `into` has room for any name.
std::string_view writeOwner(const ServiceRecords& service, const Host& host, char* into) {
  std::string_view name = service.nameOf(host);
  char* end = std::copy(service.owner->begin(), service.owner->end(), std::copy(name.begin(), name.end(), into));
  return {into, static_cast<size_t>(end - into)};
}

void addHostAddresses(dns::ResponseWriter& writer, dns::Owner owner, uint32_t ttl, AddressList v4, AddressList v6) {
  for (const AddressList& list : {v4, v6}) {
    for (size_t i = 0; i < list.size(); ++i) {
      if (!writer.addAddress(Section::kAdditional, owner, ttl, list[i])) return;
    }
  }
}

}  // namespace

Outcome Answerer::answer(const Zone& zone, const dns::Query& query, size_t limit, dns::ResponseWriter& writer) {
  writer.reset(query, limit);
  if (options_.upstream) writer.setRecursionAvailable();
  auto refuse = [&](Rcode rcode) {
    writer.setRcode(rcode);
    return Outcome::kAnswered;
  };
  if (query.error() != Rcode::kNoError) return refuse(query.error());
  if (!query.hasQuestion()) return Outcome::kAnswered;  // RFC 7873 section 5.4
  if (query.qclass() != dns::kClassIn || isMeta(query.qtype())) return refuse(Rcode::kRefused);
  size_t labels = query.labelCount(), domain = zone.domainLabels();
  Question question{zone, query, writer, query.name(), dns::Owner::question(), labels};
  if (labels >= domain && query.lowerFrom(labels - domain) == zone.domain().wire()) {
    question.own = labels - domain;
    writer.setAuthoritative();
    if (query.qtype() != Type::kAny) return answerDomain(question);
    // RFC 8482: the one record that says that ANY is not answered.
    constexpr std::string_view kHinfo("\7RFC8482\0", 9);
    writer.addRecord(Section::kAnswer, question.owner, Type::kHinfo, options_.ttl, kHinfo);
    return Outcome::kAnswered;
  }
  if (labels >= 2 && query.label(labels - 1) == "arpa") return answerReverse(question);
  return options_.upstream ? Outcome::kForward : refuse(Rcode::kServFail);
}

Outcome Answerer::answerDomain(const Question& question) {
  if (question.own == 0) return answerApex(question);
  std::string_view first = question.label(question.own - 1);
  if (first == "svc") return answerService(question);
  if (first == "pod") return answerPod(question);
  if (first == "dns-version" && question.own == 1 && question.type() == Type::kTxt) {
    constexpr std::string_view kVersion(
        "\5"
        "1.1.0",
        6);
    question.writer.addRecord(Section::kAnswer, question.owner, Type::kTxt, options_.ttl, kVersion);
    return Outcome::kAnswered;
  }
  return noSuchName(question);
}

Outcome Answerer::answerApex(const Question& question) {
  const Zone& zone = question.zone;
  if (question.type() == Type::kSoa) {
    question.writer.addRecord(Section::kAnswer, question.owner, Type::kSoa, options_.ttl, zone.soa());
    return Outcome::kAnswered;
  }
  if (question.type() != Type::kNs) return noData(question);
  question.writer.addRecord(Section::kAnswer, question.owner, Type::kNs, options_.ttl, zone.nameServer());
  if (const ServiceRecords* dns = zone.findService("kube-system", "kube-dns")) {
    addHostAddresses(question.writer, *dns->owner, options_.ttl, dns->addresses4(), dns->addresses6());
  }
  return Outcome::kAnswered;
}

Outcome Answerer::answerService(const Question& question) {
  if (question.own == 1) return noData(question);
  const ServiceRecords* service =
      question.own >= 3 ? question.zone.findService(question.name, question.own - 3) : nullptr;
  if (!service || service->empty()) {
    bool exists = question.own == 2 && question.zone.hasNamespace(question.label(0));
    return exists ? noData(question) : noSuchName(question);
  }
  size_t below = question.own - 3;
  if (service->type == ServiceRecords::Type::kExternalName) {
    return below == 0 ? answerCname(question, *service) : noSuchName(question);
  }
  if (below == 0) return answerServiceName(question, *service);
  // In front of the Service, or of one of its hosts: _protocol or _port._protocol.
  for (size_t at = 0; at < std::min<size_t>(below, 2); ++at) {
    bool last = at + 1 == below || !isSrvLabel(question.label(at + 1));
    if (isSrvLabel(question.label(at)) && last) return answerPort(question, *service, at);
  }
  return answerHost(question, *service);
}

Outcome Answerer::answerServiceName(const Question& question, const ServiceRecords& service) {
  if (question.type() == Type::kSrv) return addSrv(question, service, nullptr, nullptr);
  bool headless = service.type == ServiceRecords::Type::kHeadless;
  return addAddresses(question, service.addresses4(), service.addresses6(),
                      headless ? options_.headlessTtl : options_.ttl);
}

Outcome Answerer::answerHost(const Question& question, const ServiceRecords& service) {
  std::string_view name = question.labels(0, question.own - 3);
  const Host* host = service.findHost(name);
  // RFC 8020: what has names below it exists.
  if (!host) return service.hasBelow(name) ? noData(question) : noSuchName(question);
  if (question.type() == Type::kSrv) return addSrv(question, service, nullptr, host);
  return addAddresses(question, service.addresses4(*host), service.addresses6(*host), options_.headlessTtl);
}

// _port._protocol in front of a Service or of one of its hosts, and the empty name _protocol in between (RFC 8020).
// `protocolAt`: which label is the protocol.
Outcome Answerer::answerPort(const Question& question, const ServiceRecords& service, size_t protocolAt) {
  const Host* host = nullptr;
  if (protocolAt + 1 < question.own - 3) {
    host = service.findHost(question.labels(protocolAt + 1, question.own - 3));
    if (!host) return noSuchName(question);
  }
  std::string_view protocol = question.label(protocolAt).substr(1);
  if (protocolAt == 0) {
    auto named = [&](const Port& port) { return port.protocol == protocol && !port.name.empty(); };
    return findPort(service, host, named) ? noData(question) : noSuchName(question);
  }
  std::string_view name = question.label(0).substr(1);
  const Port* port = findPort(service, host, [&](const Port& p) { return p.name == name && p.protocol == protocol; });
  if (!port) return noSuchName(question);
  if (question.type() == Type::kSrv) return addSrv(question, service, port, host);
  // As recorded practice has it: of a host's port there is nothing but the SRV record.
  if (host) return noSuchName(question);
  return answerServiceName(question, service);
}

Outcome Answerer::addAddresses(const Question& question, AddressList v4, AddressList v6, uint32_t ttl) {
  if (!wantsAddress(question.type())) return noData(question);
  const AddressList& addresses = question.type() == Type::kA ? v4 : v6;
  if (addresses.empty()) return noData(question);
  inRandomOrder(addresses.size(), [&](size_t index) {
    return question.writer.addAddress(Section::kAnswer, question.owner, ttl, addresses[index]) != 0;
  });
  return Outcome::kAnswered;
}

// SRV records for every port (or only the one wanted) of a Service, of each of a headless Service's hosts, or of one
// host.
Outcome Answerer::addSrv(const Question& question, const ServiceRecords& service, const Port* wanted,
                         const Host* only) {
  if (!only && service.type == ServiceRecords::Type::kClusterIp) return addServiceSrv(question, service, wanted);
  size_t count = only ? 1 : service.hosts.size();
  targets_.clear();
  inRandomOrder(count, [&](size_t index) {
    const Host& host = only ? *only : service.hosts[index];
    char target[dns::kMaxNameWire];
    std::string_view owner = writeOwner(service, host, target);
    uint16_t weight = !only ? service.weightOf(host) : host.weighted ? host.weight : kWholeWeight;
    for (const Port& port : service.portsOf(host)) {
      if (!matches(port, wanted)) continue;
      size_t at =
          question.writer.addSrv(Section::kAnswer, question.owner, options_.headlessTtl, 0, weight, port.number, owner);
      if (at == 0) return false;
      if (targets_.empty() || targets_.back().host != &host) targets_.push_back({&host, at + dns::kSrvTarget});
    }
    return true;
  });
  if (targets_.empty() && !question.writer.truncated()) return noData(question);
  for (const Target& target : targets_) {
    bool far = target.at > dns::kMaxPointer;
    std::string whole = far ? service.ownerOf(*target.host) : std::string();
    addHostAddresses(question.writer, {whole, target.at}, options_.headlessTtl, service.addresses4(*target.host),
                     service.addresses6(*target.host));
  }
  return Outcome::kAnswered;
}

Outcome Answerer::addServiceSrv(const Question& question, const ServiceRecords& service, const Port* wanted) {
  size_t target = 0;
  for (const Port& port : service.ports) {
    if (!matches(port, wanted)) continue;
    size_t at = question.writer.addSrv(Section::kAnswer, question.owner, options_.ttl, 0, kWholeWeight, port.number,
                                       *service.owner);
    if (at != 0 && target == 0) target = at + dns::kSrvTarget;
  }
  if (target == 0 && !question.writer.truncated()) return noData(question);
  addHostAddresses(question.writer, {*service.owner, target}, options_.ttl, service.addresses4(), service.addresses6());
  return Outcome::kAnswered;
}

// RFC 1034 section 3.6.2: the alias, and what it stands for when that is ours.
Outcome Answerer::answerCname(const Question& question, const ServiceRecords& service) {
  constexpr unsigned kMaxAliases = 8;
  size_t at = question.writer.addRecord(Section::kAnswer, question.owner, Type::kCname, options_.ttl, service.cname);
  if (at == 0 || question.type() == Type::kCname) return Outcome::kAnswered;
  alias_.assign(service.cname);
  size_t labels = alias_.labelCount(), domain = question.zone.domainLabels();
  bool ours = labels >= domain && alias_.from(labels - domain) == question.zone.domain().wire();
  if (ours && question.aliases == kMaxAliases) return Outcome::kAnswered;  // a circle, most likely
  if (ours) {
    return answerDomain({question.zone, question.query, question.writer, alias_, dns::Owner(service.cname, at),
                         labels - domain, question.aliases + 1});
  }
  if (!options_.upstream) return Outcome::kAnswered;
  target_ = dns::Name::fromWire(service.cname);
  return Outcome::kForwardTarget;
}

Outcome Answerer::answerPod(const Question& question) {
  if (question.own == 1) return noData(question);
  if (!question.zone.hasNamespace(question.label(question.own - 2))) return noSuchName(question);
  if (question.own == 2) return noData(question);
  auto address = question.own == 3 ? parsePodLabel(question.label(0)) : std::nullopt;
  if (!address) return noSuchName(question);
  if (question.type() != (address->size() == 4 ? Type::kA : Type::kAaaa)) return noData(question);
  question.writer.addAddress(Section::kAnswer, question.owner, options_.headlessTtl, *address);
  return Outcome::kAnswered;
}

Outcome Answerer::answerReverse(const Question& question) {
  constexpr size_t kMaxReverseLabels = 34;  // 32 nibbles, ip6 and arpa
  std::array<std::string_view, kMaxReverseLabels> labels;
  size_t count = question.name.labelCount();
  for (size_t i = 0; i < std::min(count, labels.size()); ++i) labels[i] = question.label(i);
  auto address = count <= labels.size() ? dns::addressOfReverse({labels.data(), count}) : std::nullopt;
  auto services = address ? question.zone.findReverse(*address) : std::span<const Zone::Named>();
  if (services.empty() && options_.upstream) return Outcome::kForward;
  dns::ResponseWriter& writer = question.writer;
  if (services.empty() && (!address || !isPrivate(*address))) {
    writer.setRcode(Rcode::kServFail);
    return Outcome::kAnswered;
  }
  writer.setAuthoritative();
  // RFC 6303: nobody but us can know names of private addresses.
  if (services.empty()) writer.setRcode(Rcode::kNxDomain);
  if (services.empty() || question.type() != Type::kPtr) {
    auto suffix = question.name.from(count - 2);  // in-addr.arpa or ip6.arpa
    writer.addRecord(Section::kAuthority, suffix, Type::kSoa, 0, question.zone.soa());
    return Outcome::kAnswered;
  }
  dns::LowerName name;
  for (const Zone::Named& named : services) {
    if (!name.assign(*named.service)) continue;
    const ServiceRecords* service = question.zone.findService(name, 0);
    if (service && !addPointers(question, *service, *address)) break;
  }
  return Outcome::kAnswered;
}

// A Service's own addresses name the Service, its endpoints' their host. False when no more fits.
bool Answerer::addPointers(const Question& question, const ServiceRecords& service, std::string_view address) {
  bool v4 = address.size() == 4;
  auto add = [&](uint32_t ttl, std::string_view name) {
    return question.writer.addRecord(Section::kAnswer, question.owner, Type::kPtr, ttl, name) != 0;
  };
  bool own = service.type == ServiceRecords::Type::kClusterIp &&
             (v4 ? service.addresses4() : service.addresses6()).contains(address);
  if (own && !add(options_.ttl, *service.owner)) return false;
  for (const Host& host : service.hosts) {
    AddressList addresses = v4 ? service.addresses4(host) : service.addresses6(host);
    char name[dns::kMaxNameWire];
    if (addresses.contains(address) && !add(options_.headlessTtl, writeOwner(service, host, name))) return false;
  }
  return true;
}

// RFC 2308 section 2.2: the name is there, records of this type are not. Negative answers live as long as the lesser of
// the SOA's TTL and minimum (section 5): 0, nobody keeps them.
Outcome Answerer::noData(const Question& question) {
  const Zone& zone = question.zone;
  size_t labels = question.query.labelCount(), domain = zone.domainLabels();
  question.writer.addRecord(Section::kAuthority,
                            {zone.domain().wire(), dns::kHeaderSize + question.query.name().size() -
                                                       question.query.lowerFrom(labels - domain).size()},
                            Type::kSoa, 0, zone.soa());
  return Outcome::kAnswered;
}

Outcome Answerer::noSuchName(const Question& question) {
  question.writer.setRcode(Rcode::kNxDomain);
  return noData(question);
}

// Calls visit(index) for 0..count-1 in a random order, until it says that it had enough.
template <typename Visit>
void Answerer::inRandomOrder(size_t count, Visit visit) {
  constexpr size_t kShuffled = 256;
  if (count > kShuffled) {  // only some of so many are taken: those that stand together somewhere will do
    size_t start = randomBelow(count);
    for (size_t i = 0; i < count && visit(start + i < count ? start + i : start + i - count); ++i) {
    }
    return;
  }
  order_.resize(count);
  std::iota(order_.begin(), order_.end(), 0u);
  for (size_t i = 0; i < count; ++i) {
    if (i + 1 < count) std::swap(order_[i], order_[i + randomBelow(count - i)]);
    if (!visit(order_[i])) return;
  }
}

uint32_t Answerer::randomBelow(size_t bound) {  // xorshift64*: spreads load, keeps no secret
  random_ ^= random_ >> 12;
  random_ ^= random_ << 25;
  random_ ^= random_ >> 27;
  uint64_t number = random_ * 0x2545F4914F6CDD1Dull >> 32;
  return static_cast<uint32_t>(number * bound >> 32);
}

}  // namespace wherry::clusterdns
