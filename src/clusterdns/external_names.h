// What is known of names outside of the cluster: hosts entries and answers that are kept; and how a query is answered
// out of that, on whichever thread it came in.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/published.h"
#include "clusterdns/answer.h"
#include "clusterdns/hosts_table.h"
#include "clusterdns/reply_cache.h"
#include "dns/message.h"
#include "dns/name.h"

namespace wherry::clusterdns {

// Shared by all that answer; safe from any thread.
struct ExternalNames {
  explicit ExternalNames(CacheLimits limits) : cache(limits) {}

  ReplyCache cache;
  base::Published<HostsTable> hosts;
  // Search domains of the node, which pods have behind the cluster's own.
  base::Published<std::vector<dns::Name>> nodeSearch;
  // There are hosts entries, or somebody can be asked, or could be once.
  std::atomic<bool> any{false};
};

// An answer about one name: a hosts entry (no reply), or what a resolver said.
struct Resolved {
  ReplyPtr reply;
  Reply::Age age;
};

// Writes responses. One thread each.
class ExternalAnswerer {
 public:
  ExternalAnswerer(ExternalNames& names, uint32_t hostsTtl) : names_(names), hostsTtl_(hostsTtl) {}

  // Which names may answer a query that an Answerer left to us, in their order: its own; its alias's target; for a
  // search (kSearch) the node's domains behind `target`, then `target` alone.
  std::vector<dns::Name> candidates(const dns::Query& query, Outcome outcome, const dns::Name& target) const;

  // True: the writer holds the response. REQUIRES: it holds what the Answerer left in it.
  bool answerKnown(const dns::Query& query, Outcome outcome, const dns::Name& target, size_t limit,
                   base::MonotonicTime now, dns::ResponseWriter& writer);
  // Of the last answerKnown(): a name whose answer should be asked for again, though it could be given.
  std::optional<dns::Name> takeRefresh() { return std::exchange(refresh_, std::nullopt); }

  bool isHost(const dns::Name& name) const { return names_.hosts.load()->knows(name.wire()); }
  // A search goes on behind a name that does not exist, or of which nobody knows.
  static bool endsSearch(const Resolved& resolved);
  // `candidate`: one of candidates(). REQUIRES: the writer holds what the Answerer left in it.
  void write(const dns::Query& query, Outcome outcome, const dns::Name& candidate, const Resolved& resolved,
             size_t limit, dns::ResponseWriter& writer) const;

 private:
  ExternalNames& names_;
  const uint32_t hostsTtl_;
  std::optional<dns::Name> refresh_;
};

// As cached answers are found.
std::string cacheKey(const dns::Name& lowerName, const dns::Query& query);

}  // namespace wherry::clusterdns
