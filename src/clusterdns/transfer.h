// A whole zone in pieces (AXFR, RFC 5936): one message after the other, as the client takes them, all of one snapshot.
// What is made up when it is asked for (records of pods by their addresses) is not part of it. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clusterdns/answer.h"
#include "clusterdns/zone.h"
#include "dns/message.h"

namespace wherry::clusterdns {

class Transfer {
 public:
  // `packet`: the query for it. IXFR is answered in the same form (RFC 1995 section 4).
  Transfer(std::shared_ptr<const Zone> zone, std::string packet, AnswerOptions options);

  // The next message, in the writer's memory; nothing when there is none.
  std::optional<std::string_view> next(dns::ResponseWriter& writer);

 private:
  struct Line {
    std::string owner, data;
    dns::Type type;
    uint32_t ttl;
  };
  bool fill();
  void addApex(bool first);
  void addService(const ServiceRecords& service);
  void addHost(const ServiceRecords& service, const Host& host);
  void addAddresses(const std::string& owner, uint32_t ttl, AddressList v4, AddressList v6);
  void addPort(const std::string& at, const Port& port, uint32_t ttl, uint16_t weight, const std::string& target);
  void add(std::string owner, dns::Type type, uint32_t ttl, std::string data);

  std::shared_ptr<const Zone> zone_;
  std::string packet_;
  AnswerOptions options_;
  size_t shard_ = 0;
  bool begun_ = false, ended_ = false;
  std::vector<Line> lines_;  // of one shard, those from `at_` on are not written yet
  size_t at_ = 0;
};

}  // namespace wherry::clusterdns
