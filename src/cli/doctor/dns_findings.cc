#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/strings.h"
#include "cli/doctor/findings.h"
#include "cli/doctor/phrases.h"

namespace wherry::cli {
namespace {

using Texts = std::set<std::string>;

std::string shown(const Texts& texts) {
  return texts.empty() ? "nothing" : listed(std::vector<std::string>(texts.begin(), texts.end()));
}

const json::Array& recordsOf(const json::Value& answer) {
  static const json::Array kNone;
  const json::Value* records = json::find(answer, "answer");
  return records && records->is_array() ? records->get_array() : kNone;
}

// Data of the records of one type among all answers about `name`.
Texts dataOf(const ServiceFacts& facts, std::string_view name, std::string_view type) {
  Texts data;
  for (const auto& question : facts.dns) {
    if (question.name != name) continue;
    for (const json::Value& record : recordsOf(question.answer)) {
      if (json::getString(record, "type") == type) data.emplace(json::getString(record, "data"));
    }
  }
  return data;
}

std::string rcodeOf(const ServiceFacts& facts, std::string_view name) {
  for (const auto& question : facts.dns) {
    if (question.name == name) return std::string(json::getString(question.answer, "rcode"));
  }
  return "";
}

Texts addressesOf(const ServiceFacts& facts, std::string_view name) {
  Texts addresses = dataOf(facts, name, "A");
  addresses.merge(dataOf(facts, name, "AAAA"));
  return addresses;
}

Texts readyAddresses(const ServiceFacts& facts) {
  Texts addresses;
  for (const auto& endpoint : endpointsOf(facts)) {
    if (endpoint.ready) addresses.insert(endpoint.address);
  }
  return addresses;
}

// Why the node or the DNS gave no answers at all.
bool addSilence(const ServiceFacts& facts, Findings& findings) {
  for (const auto& question : facts.dns) {
    std::string_view failure = failureOf(question.answer);
    if (failure.empty()) continue;
    bool asked = json::find(question.answer, "server") != nullptr;
    std::string text = fmt::format("{}: {}", asked ? "the cluster DNS does not answer" : "it can't be asked", failure);
    findings.push_back({"DNS", asked ? Level::kFail : Level::kNote, text});
    return true;
  }
  return facts.dns.empty();
}

void addAlias(const ServiceFacts& facts, Findings& findings) {
  std::string target(facts.service.spec().externalName()), name = nameOf(facts);
  if (!target.ends_with('.')) target += '.';
  Texts aliases = dataOf(facts, name, "CNAME"), addresses = addressesOf(facts, target);
  auto same = [&](const std::string& alias) { return base::equalsIgnoreCase(alias, target); };
  if (std::none_of(aliases.begin(), aliases.end(), same)) {
    findings.push_back(
        {"DNS", Level::kFail, fmt::format("{} is {} in DNS, not an alias of {}", name, shown(aliases), target)});
  } else if (!addresses.empty()) {
    findings.push_back(
        {"DNS", Level::kOk, fmt::format("{} is an alias of {}, which is {}", name, target, shown(addresses))});
  } else if (std::string rcode = rcodeOf(facts, target); rcode == "NXDOMAIN") {
    findings.push_back({"DNS", Level::kFail, fmt::format("its target {} does not exist (NXDOMAIN)", target)});
  } else if (rcode == "NOERROR") {
    findings.push_back({"DNS", Level::kFail, fmt::format("its target {} has no address", target)});
  } else {
    findings.push_back({"DNS",
                        Level::kFail,
                        fmt::format("its target {} can't be resolved ({})", target, rcode),
                        {"names outside of the cluster are asked of the node's resolvers"}});
  }
}

void addAddresses(const ServiceFacts& facts, Findings& findings) {
  auto ips = clusterIps(facts.service);
  Texts wanted = isHeadless(facts.service) ? readyAddresses(facts) : Texts(ips.begin(), ips.end());
  std::string name = nameOf(facts);
  Texts answered = addressesOf(facts, name);
  const char* whose = isHeadless(facts.service) ? "the ready endpoints are" : "the cluster IP is";
  if (answered != wanted) {
    findings.push_back(
        {"DNS", Level::kFail, fmt::format("DNS has {} for {}, {} {}", shown(answered), name, whose, shown(wanted))});
  } else if (wanted.empty()) {
    findings.push_back({"DNS", Level::kNote,
                        fmt::format("{} has no records ({}): a headless Service is known by its ready endpoints", name,
                                    rcodeOf(facts, name))});
  } else {
    findings.push_back({"DNS", Level::kOk, fmt::format("{} is {}", name, shown(answered))});
  }
}

// Port numbers that SRV records of a named port shall have.
Texts wantedPorts(const ServiceFacts& facts, const core_v1::ServicePort& port) {
  if (!isHeadless(facts.service)) return {std::to_string(port.port())};
  Texts wanted;
  for (const auto& endpoint : endpointsOf(facts)) {
    auto number = targetNumber(endpoint.slice, port);
    if (endpoint.ready && number) wanted.insert(std::to_string(*number));
  }
  return wanted;
}

void addServices(const ServiceFacts& facts, Findings& findings) {
  for (auto port : facts.service.spec().ports()) {
    std::string name =
        fmt::format("_{}._{}.{}", port.name(), base::toLower(protocolOf(port.protocol())), nameOf(facts));
    if (rcodeOf(facts, name).empty()) continue;
    Texts answered, wanted = wantedPorts(facts, port);
    for (const std::string& data : dataOf(facts, name, "SRV")) {  // priority weight port target
      auto fields = base::split(data, ' ');
      if (fields.size() == 4) answered.emplace(fields[2]);
    }
    if (answered == wanted) {
      if (wanted.empty()) continue;
      findings.push_back({"DNS", Level::kOk, fmt::format("SRV {} has port {}", name, shown(answered))});
    } else {
      findings.push_back(
          {"DNS", Level::kFail, fmt::format("SRV {} has port {}, not {}", name, shown(answered), shown(wanted))});
    }
  }
}

}  // namespace

void addDnsFindings(const ServiceFacts& facts, Findings& findings) {
  if (addSilence(facts, findings)) return;
  if (isExternalName(facts.service)) return addAlias(facts, findings);
  addAddresses(facts, findings);
  addServices(facts, findings);
}

}  // namespace wherry::cli
