// From a query and a Zone to a response: the pure half of the cluster DNS. No clock, socket or lock; randomness for the
// order of answers is handed in. Zone transfers are transfer.h's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "clusterdns/zone.h"
#include "dns/message.h"

namespace wherry::clusterdns {

struct AnswerOptions {
  uint32_t ttl = 5;          // seconds, of a Service's own addresses and names
  uint32_t headlessTtl = 1;  // of what changes with every pod
  // Other names can be asked of the node's resolvers.
  bool upstream = false;
};

enum class Outcome {
  kAnswered,       // the writer holds the response
  kForward,        // the name is not ours: ask an upstream
  kForwardTarget,  // the writer holds a CNAME whose target is not ours: an upstream's answers may be added
  kSearch,         // the writer holds NXDOMAIN; a name outside, target(), may be what a pod's search path leads to
};

// Answers queries, one thread each. Keeps scratch memory, so that an answer allocates nothing.
class Answerer {
 public:
  Answerer(AnswerOptions options, uint64_t seed) : options_(options), random_(seed | 1) {}

  void setUpstream(bool upstream) { options_.upstream = upstream; }
  // `limit`: how many bytes the response may take. With kForwardTarget, `target()` is the name to ask for.
  Outcome answer(const Zone& zone, const dns::Query& query, size_t limit, dns::ResponseWriter& writer);
  // Goes through the rest of a pod's search path at once (search_path.cc), when what it asked for ends in the first of
  // its domains, `ns`.svc.<domain>, and does not exist. What exists is answered as an alias. REQUIRES: answer() of the
  // same query said NXDOMAIN.
  Outcome search(const Zone& zone, const dns::Query& query, std::string_view ns, size_t limit,
                 dns::ResponseWriter& writer);
  const dns::Name& target() const { return target_; }

 private:
  struct Question;
  Outcome answerDomain(const Question& question);
  Outcome answerApex(const Question& question);
  Outcome answerService(const Question& question);
  Outcome answerServiceName(const Question& question, const ServiceRecords& service);
  Outcome answerHost(const Question& question, const ServiceRecords& service);
  Outcome answerPort(const Question& question, const ServiceRecords& service, size_t protocolAt);
  Outcome answerCname(const Question& question, const ServiceRecords& service);
  Outcome answerPod(const Question& question);
  Outcome answerReverse(const Question& question);
  Outcome addAddresses(const Question& question, AddressList v4, AddressList v6, uint32_t ttl);
  Outcome addSrv(const Question& question, const ServiceRecords& service, const Port* wanted, const Host* only);
  Outcome addServiceSrv(const Question& question, const ServiceRecords& service, const Port* wanted);
  bool addPointers(const Question& question, const ServiceRecords& service, std::string_view address);
  Outcome noData(const Question& question);
  Outcome noSuchName(const Question& question);
  template <typename Visit>
  void inRandomOrder(size_t count, Visit visit);
  uint32_t randomBelow(size_t bound);

  AnswerOptions options_;
  uint64_t random_;
  std::vector<uint32_t> order_;
  struct Target {
    const Host* host;
    size_t at;
  };
  std::vector<Target> targets_;
  dns::LowerName alias_;
  dns::Name target_;
};

}  // namespace wherry::clusterdns
