// The packet tracer: what tables of its family do with a packet, worked out from their model. It knows no connections
// but what the packet says of its own. Pure.
//
//   Tracer tracer({wholeTable(slots)}, {.nodeAddresses = {...}});
//   tracer.trace({.source = pod, .destination = clusterIp, .protocol = IPPROTO_TCP, .destinationPort = 80}).text()
//     -> "dnat to 10.244.0.7:8080, accept"
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "linux/nft/ruleset.h"

namespace wherry::linux::nft {

struct Packet {
  base::IpAddress source;
  base::IpAddress destination;
  uint8_t protocol = 6;
  uint16_t sourcePort = 40000;
  uint16_t destinationPort = 0;
  uint32_t mark = 0;
  uint32_t connectionMark = 0;
  bool reply = false;           // to who began the connection; it is then not translated anew
  bool answered = false;        // of a connection that there is already, not its first
  bool invalid = false;         // in the eyes of connection tracking; it is then not translated
  std::string inputInterface;   // "" when the node itself sends it
  std::string outputInterface;  // "" when it is for the node
};

struct Trace {
  enum class Outcome { kAccept, kDrop, kTcpReset, kPortUnreachable };
  Outcome outcome = Outcome::kAccept;
  Packet packet;  // as it leaves
  Packet sent;    // as it came
  bool translated = false;
  bool masqueraded = false;
  bool untracked = false;
  std::map<std::string, std::map<Data, Data>> remembered;  // by map: elements that it added for those after it

  // "dnat to 10.244.0.7:8080, masquerade, accept"
  std::string text() const;
};

class Tracer {
 public:
  struct Options {
    std::set<base::IpAddress> nodeAddresses;  // what is delivered to the node instead of being forwarded
    std::function<uint32_t(uint32_t modulus)> random = [](uint32_t) { return 0U; };
  };
  Tracer(std::vector<Table> tables, Options options);

  // Through the hooks that such a packet meets: prerouting, then input or forward and postrouting; or output,
  // postrouting.
  Trace trace(const Packet& packet) const;

 private:
  std::vector<Table> tables_;
  Options options_;
};

}  // namespace wherry::linux::nft
