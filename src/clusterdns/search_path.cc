// A pod's resolv.conf has three of the cluster's domains, and with ndots:5 nearly every name is asked below each of
// them before it is asked as it is: four round trips, times two for A and AAAA. Answered here, it is one (CoreDNS:
// autopath).
#include "clusterdns/answer.h"
#include "clusterdns/answer_question.h"

namespace wherry::clusterdns {

Outcome Answerer::search(const Zone& zone, const dns::Query& query, std::string_view ns, size_t limit,
                         dns::ResponseWriter& writer) {
  size_t labels = query.labelCount(), domain = zone.domainLabels();
  if (labels < domain + 3 || query.lowerFrom(labels - domain) != zone.domain().wire()) return Outcome::kAnswered;
  size_t own = labels - domain;
  if (query.label(own - 1) != "svc" || query.label(own - 2) != ns) return Outcome::kAnswered;
  std::string base(query.lowerFrom(0).substr(0, query.lowerFrom(0).size() - query.lowerFrom(own - 2).size()));
  for (size_t from : {own - 1, own}) {  // svc.<domain>, <domain>
    std::string candidate = base + std::string(query.lowerFrom(from));
    writer.reset(query, limit);
    if (options_.upstream) writer.setRecursionAvailable();
    writer.setAuthoritative();
    // Nobody may keep it, as nobody may keep that there is no such name: one may come.
    size_t at = writer.addRecord(dns::Section::kAnswer, dns::Owner::question(), dns::Type::kCname, 0, candidate);
    alias_.assign(candidate);
    Outcome outcome =
        answerDomain({zone, query, writer, alias_, dns::Owner(candidate, at), alias_.labelCount() - domain, 1});
    if (writer.rcode() != dns::Rcode::kNxDomain) return outcome;
  }
  answer(zone, query, limit, writer);
  target_ = dns::Name::fromWire(base + '\0');
  return options_.upstream ? Outcome::kSearch : Outcome::kAnswered;
}

}  // namespace wherry::clusterdns
