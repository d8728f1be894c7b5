#include "clusterdns/answer.h"

#include <algorithm>
#include <numeric>

namespace wherry::clusterdns {

using dns::Rcode;
using dns::Section;
using dns::Type;

struct Answerer::Question {
  const Zone& zone;
  const dns::Query& query;
  dns::ResponseWriter& writer;
  size_t own;  // labels in front of the domain

  Type type() const { return query.qtype(); }
  std::string_view label(size_t index) const { return query.label(index); }
  std::string_view name() const { return query.lowerFrom(0); }
};

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

// Looks among the ports of the Service itself or, when it is headless, of any of its hosts.
template <typename Predicate>
const Port* findServicePort(const ServiceRecords& service, Predicate matches) {
  for (const Port& port : service.ports) {
    if (matches(port)) return &port;
  }
  if (service.type != ServiceRecords::Type::kHeadless) return nullptr;
  for (const Host& host : service.hosts) {
    for (const Port& port : host.ports) {
      if (matches(port)) return &port;
    }
  }
  return nullptr;
}

}  // namespace

Outcome Answerer::answer(const Zone& zone, const dns::Query& query, size_t limit, dns::ResponseWriter& writer) {
  writer.reset(query, limit);
  if (options_.upstream) writer.setRecursionAvailable();
  if (query.error() != Rcode::kNoError || query.qclass() != dns::kClassIn) {
    writer.setRcode(query.error() != Rcode::kNoError ? query.error() : Rcode::kRefused);
    return Outcome::kAnswered;
  }
  size_t labels = query.labelCount(), domain = zone.domainLabels();
  if (labels >= domain && query.lowerFrom(labels - domain) == zone.domain().wire()) {
    Question question{zone, query, writer, labels - domain};
    writer.setAuthoritative();
    if (query.qtype() != Type::kAny) return answerDomain(question);
    // RFC 8482: the one record that says that ANY is not answered.
    writer.addRecord(Section::kAnswer, {dns::Name::fromWire(question.name()), options_.ttl, dns::Hinfo{"RFC8482", ""}});
    return Outcome::kAnswered;
  }
  if (labels >= 2 && query.label(labels - 1) == "arpa") {
    return answerReverse(Question{zone, query, writer, labels});
  }
  if (options_.upstream) return Outcome::kForward;
  writer.setRcode(Rcode::kServFail);
  return Outcome::kAnswered;
}

Outcome Answerer::answerDomain(const Question& question) {
  if (question.own == 0) return answerApex(question);
  std::string_view first = question.label(question.own - 1);
  if (first == "svc") return answerService(question);
  if (first == "pod") return answerPod(question);
  if (first == "dns-version" && question.own == 1 && question.type() == Type::kTxt) {
    question.writer.addRecord(Section::kAnswer,
                              {dns::Name::fromWire(question.name()), options_.ttl, dns::Txt{{"1.1.0"}}});
    return Outcome::kAnswered;
  }
  return noSuchName(question);
}

Outcome Answerer::answerApex(const Question& question) {
  if (question.type() == Type::kSoa) {
    addSoa(question, question.name());
    return Outcome::kAnswered;
  }
  if (question.type() != Type::kNs) return noData(question);
  // The name server is known by the Service that every cluster has for it.
  auto ns = question.zone.domain().child("svc");
  auto system = ns ? ns->child("kube-system") : std::nullopt;
  auto host = system ? system->child("kube-dns") : std::nullopt;
  if (!host) return noData(question);
  question.writer.addRecord(Section::kAnswer, {question.zone.domain(), options_.ttl, dns::Ns{*host}});
  if (const ServiceRecords* dns = question.zone.findService("kube-system", "kube-dns")) {
    for (const std::string& address : dns->v4) {
      question.writer.addAddress(Section::kAdditional, dns->owner, options_.ttl, address);
    }
  }
  return Outcome::kAnswered;
}

Outcome Answerer::answerService(const Question& question) {
  if (question.own == 1) return noData(question);
  std::string_view ns = question.label(question.own - 2);
  if (!question.zone.hasNamespace(ns)) return noSuchName(question);
  if (question.own == 2) return noData(question);
  const ServiceRecords* service = question.zone.findService(ns, question.label(question.own - 3));
  if (!service || service->empty()) return noSuchName(question);
  size_t below = question.own - 3;
  if (service->type == ServiceRecords::Type::kExternalName) {
    return below == 0 ? answerCname(question, *service) : noSuchName(question);
  }
  if (below == 0) return answerServiceName(question, *service);
  std::string_view label = question.label(below - 1);
  if (isSrvLabel(label)) return answerPort(question, *service);
  return below == 1 ? answerHost(question, *service, label) : noSuchName(question);
}

Outcome Answerer::answerServiceName(const Question& question, const ServiceRecords& service) {
  if (question.type() == Type::kSrv) return addSrv(question, service, nullptr, nullptr);
  bool headless = service.type == ServiceRecords::Type::kHeadless;
  return addAddresses(question, service.v4, service.v6, headless ? options_.headlessTtl : options_.ttl);
}

Outcome Answerer::answerHost(const Question& question, const ServiceRecords& service, std::string_view label) {
  const Host* host = service.findHost(label);
  if (!host) return noSuchName(question);
  if (question.type() == Type::kSrv) return addSrv(question, service, nullptr, host);
  return addAddresses(question, host->v4, host->v6, options_.headlessTtl);
}

// _port._protocol.service, and the empty name _protocol.service in between (RFC 8020).
Outcome Answerer::answerPort(const Question& question, const ServiceRecords& service) {
  size_t below = question.own - 3;
  std::string_view protocol = question.label(below - 1).substr(1);
  if (below == 1) {
    auto named = [&](const Port& port) { return port.protocol == protocol && !port.name.empty(); };
    return findServicePort(service, named) ? noData(question) : noSuchName(question);
  }
  std::string_view name = question.label(0);
  if (below != 2 || !isSrvLabel(name)) return noSuchName(question);
  name.remove_prefix(1);
  const Port* port = findServicePort(service, [&](const Port& p) { return p.name == name && p.protocol == protocol; });
  if (!port) return noSuchName(question);
  if (question.type() == Type::kSrv) return addSrv(question, service, port, nullptr);
  return answerServiceName(question, service);
}

Outcome Answerer::addAddresses(const Question& question, const std::vector<std::string>& v4,
                               const std::vector<std::string>& v6, uint32_t ttl) {
  if (!wantsAddress(question.type())) return noData(question);
  const std::vector<std::string>& addresses = question.type() == Type::kA ? v4 : v6;
  if (addresses.empty()) return noData(question);
  shuffle(addresses.size());
  for (uint32_t index : order_) {
    if (!question.writer.addAddress(Section::kAnswer, question.name(), ttl, addresses[index])) break;
  }
  return Outcome::kAnswered;
}

// SRV records for every port (or only the one wanted) of a Service, of each of a headless Service's hosts, or of one
// host.
Outcome Answerer::addSrv(const Question& question, const ServiceRecords& service, const Port* wanted,
                         const Host* only) {
  auto addPorts = [&](const std::vector<Port>& ports, const std::string& target, uint16_t weight, uint32_t ttl) {
    bool added = false;
    for (const Port& port : ports) {
      if (wanted && (port.name != wanted->name || port.protocol != wanted->protocol)) continue;
      question.writer.addSrv(Section::kAnswer, question.name(), ttl, 0, weight, port.number, target);
      added = true;
    }
    return added;
  };
  auto addTarget = [&](const std::string& owner, const std::vector<std::string>& v4, const std::vector<std::string>& v6,
                       uint32_t ttl) {
    for (const auto* addresses : {&v4, &v6}) {
      for (const std::string& address : *addresses) {
        question.writer.addAddress(Section::kAdditional, owner, ttl, address);
      }
    }
  };
  if (service.type == ServiceRecords::Type::kClusterIp && !only) {
    if (!addPorts(service.ports, service.owner, 100, options_.ttl)) return noData(question);
    addTarget(service.owner, service.v4, service.v6, options_.ttl);
    return Outcome::kAnswered;
  }
  std::vector<const Host*> hosts;
  if (only) hosts.push_back(only);
  for (size_t i = 0; !only && i < service.hosts.size(); ++i) hosts.push_back(&service.hosts[i]);
  shuffle(hosts.size());
  auto weight = static_cast<uint16_t>(std::max<size_t>(100 / hosts.size(), 1));
  std::vector<const Host*> added;
  for (uint32_t index : order_) {
    if (addPorts(hosts[index]->ports, hosts[index]->owner, weight, options_.headlessTtl)) added.push_back(hosts[index]);
  }
  if (added.empty()) return noData(question);
  for (const Host* host : added) addTarget(host->owner, host->v4, host->v6, options_.headlessTtl);
  return Outcome::kAnswered;
}

// RFC 1034 section 3.6.2: the alias, and what it stands for when that is ours.
Outcome Answerer::answerCname(const Question& question, const ServiceRecords& service) {
  question.writer.addRecord(Section::kAnswer, question.name(), Type::kCname, options_.ttl, service.cname);
  if (question.type() == Type::kCname) return Outcome::kAnswered;
  target_ = dns::Name::fromWire(service.cname);
  if (!target_.isAtOrBelow(question.zone.domain())) {
    return options_.upstream ? Outcome::kForwardTarget : Outcome::kAnswered;
  }
  auto labels = target_.labels();
  size_t own = labels.size() - question.zone.domainLabels();
  if (own != 3 || labels[2] != "svc" || !wantsAddress(question.type())) return Outcome::kAnswered;
  const ServiceRecords* target = question.zone.findService(labels[1], labels[0]);
  if (!target) return Outcome::kAnswered;
  const auto& addresses = question.type() == Type::kA ? target->v4 : target->v6;
  shuffle(addresses.size());
  for (uint32_t index : order_) {
    if (!question.writer.addAddress(Section::kAnswer, service.cname, options_.headlessTtl, addresses[index])) break;
  }
  return Outcome::kAnswered;
}

Outcome Answerer::answerPod(const Question& question) {
  if (question.own == 1) return noData(question);
  if (!question.zone.hasNamespace(question.label(question.own - 2))) return noSuchName(question);
  if (question.own == 2) return noData(question);
  auto address = question.own == 3 ? parsePodLabel(question.label(0)) : std::nullopt;
  if (!address) return noSuchName(question);
  if (question.type() != (address->size() == 4 ? Type::kA : Type::kAaaa)) return noData(question);
  question.writer.addAddress(Section::kAnswer, question.name(), options_.headlessTtl, *address);
  return Outcome::kAnswered;
}

Outcome Answerer::answerReverse(const Question& question) {
  std::vector<std::string_view> labels;
  for (size_t i = 0; i < question.query.labelCount(); ++i) labels.push_back(question.label(i));
  auto address = dns::addressOfReverse(labels);
  const std::vector<std::string>* names = address ? question.zone.findReverse(*address) : nullptr;
  if (!names && options_.upstream) return Outcome::kForward;
  if (!names && (!address || !isPrivate(*address))) {
    question.writer.setRcode(Rcode::kServFail);
    return Outcome::kAnswered;
  }
  question.writer.setAuthoritative();
  if (!names || question.type() != Type::kPtr) {
    // RFC 6303: nobody but us can know names of private addresses.
    if (!names) question.writer.setRcode(Rcode::kNxDomain);
    addSoa(question, question.query.lowerFrom(question.query.labelCount() - 2));  // in-addr.arpa or ip6.arpa
    return Outcome::kAnswered;
  }
  for (const std::string& name : *names) {
    if (!question.writer.addRecord(Section::kAnswer, question.name(), Type::kPtr, options_.ttl, name)) break;
  }
  return Outcome::kAnswered;
}

// RFC 2308 section 2.2: the name is there, records of this type are not.
Outcome Answerer::noData(const Question& question) {
  addSoa(question, question.zone.domain().wire());
  return Outcome::kAnswered;
}

Outcome Answerer::noSuchName(const Question& question) {
  question.writer.setRcode(Rcode::kNxDomain);
  return noData(question);
}

// Negative answers live as long as the lesser of the SOA's TTL and minimum (RFC 2308 section 5): 0, nobody keeps them.
void Answerer::addSoa(const Question& question, std::string_view owner) {
  bool asked = question.type() == Type::kSoa && question.own == 0;
  auto primary = question.zone.domain().child("dns"), mailbox = question.zone.domain().child("hostmaster");
  dns::Soa soa{primary ? primary->child("ns").value_or(*primary) : dns::Name(),
               mailbox.value_or(dns::Name()),
               1,
               7200,
               1800,
               86400,
               0};
  question.writer.addRecord(asked ? Section::kAnswer : Section::kAuthority,
                            {dns::Name::fromWire(owner), asked ? options_.ttl : 0, soa});
}

// A random order of 0..count-1 in order_.
void Answerer::shuffle(size_t count) {
  order_.resize(count);
  std::iota(order_.begin(), order_.end(), 0u);
  for (size_t left = count; left > 1; --left) std::swap(order_[left - 1], order_[nextRandom() % left]);
}

uint32_t Answerer::nextRandom() {  // xorshift64*: spreads load, keeps no secret
  random_ ^= random_ >> 12;
  random_ ^= random_ << 25;
  random_ ^= random_ >> 27;
  return static_cast<uint32_t>(random_ * 0x2545F4914F6CDD1Dull >> 32);
}

}  // namespace wherry::clusterdns
