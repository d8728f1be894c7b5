#include "clusterdns/external_names.h"

#include "clusterdns/forward_metrics.h"

namespace wherry::clusterdns {

using dns::Section;

namespace {

std::string_view lastLabel(const dns::Query& query) {
  return query.labelCount() == 0 ? std::string_view() : query.label(query.labelCount() - 1);
}

}  // namespace

std::string cacheKey(const dns::Name& lowerName, const dns::Query& query) {
  return ReplyCache::keyOf(lowerName.wire(), query.qtype(), query.dnssecOk(), query.checkingDisabled());
}

std::vector<dns::Name> ExternalAnswerer::candidates(const dns::Query& query, Outcome outcome,
                                                    const dns::Name& target) const {
  if (outcome == Outcome::kForward) return {dns::Name::fromWire(query.lowerFrom(0))};
  std::vector<dns::Name> out;
  if (outcome == Outcome::kSearch) {
    std::string_view base = std::string_view(target.wire()).substr(0, target.wire().size() - 1);
    for (const dns::Name& domain : *names_.nodeSearch.load()) {
      std::string wire = std::string(base) + domain.wire();
      if (wire.size() <= dns::kMaxNameWire) out.push_back(dns::Name::fromWire(wire));
    }
  }
  out.push_back(target);
  return out;
}

bool ExternalAnswerer::endsSearch(const Resolved& resolved) {
  return !resolved.reply || resolved.reply->rcode() == dns::Rcode::kNoError;
}

bool ExternalAnswerer::answerKnown(const dns::Query& query, Outcome outcome, const dns::Name& target, size_t limit,
                                   base::MonotonicTime now, dns::ResponseWriter& writer) {
  ForwardCounts& counts = forwardCounts();
  refresh_.reset();
  counts.requests.add();
  for (const dns::Name& name : candidates(query, outcome, target)) {
    if (isHost(name)) {
      write(query, outcome, name, {}, limit, writer);
      counts.hosts.add();
      return true;
    }
    ReplyCache::Found found = names_.cache.find(cacheKey(name, query), now);
    // Of private addresses more can be said than that nobody answers: by the loop.
    bool reverse = outcome == Outcome::kForward && lastLabel(query) == "arpa";
    if (!found.answers() || (reverse && found.reply->kind() == Reply::Kind::kError)) {
      counts.misses.add();
      return false;
    }
    counts.hits[found.reply->kind() == Reply::Kind::kSuccess ? 0 : 1].add();
    if (found.age.stale) counts.servedStale.add();
    if (found.state == ReplyCache::Found::State::kExpiring) refresh_ = name;
    Resolved resolved{found.reply, found.age};
    if (outcome == Outcome::kSearch && !endsSearch(resolved)) continue;
    write(query, outcome, name, resolved, limit, writer);
    return true;
  }
  return true;  // the whole search found nothing: the writer's own answer stands
}

void ExternalAnswerer::write(const dns::Query& query, Outcome outcome, const dns::Name& candidate,
                             const Resolved& resolved, size_t limit, dns::ResponseWriter& writer) const {
  dns::Owner owner = dns::Owner::question();
  if (outcome != Outcome::kForwardTarget) {
    writer.reset(query, limit);
    writer.setRecursionAvailable();
  }
  if (outcome == Outcome::kSearch) {
    // Nobody may keep it: a Service of that name may come. RFC 2308 section 5 in spirit, as for all that is not there.
    writer.addRecord(Section::kAnswer, owner, dns::Type::kCname, 0, candidate.wire());
    forwardCounts().searched.add();
  }
  if (outcome != Outcome::kForward) owner = dns::Owner(candidate.wire());
  if (!resolved.reply) {
    names_.hosts.load()->write(candidate.wire(), owner, query.qtype(), hostsTtl_, writer);
  } else if (outcome == Outcome::kForward) {
    resolved.reply->writeTo(writer, query, resolved.age);
  } else {
    resolved.reply->appendTo(writer, resolved.age);
  }
}

}  // namespace wherry::clusterdns
