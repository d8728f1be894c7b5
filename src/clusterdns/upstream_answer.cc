#include "clusterdns/upstream_answer.h"

#include "base/random.h"
#include "base/strings.h"

namespace wherry::clusterdns {
namespace {

bool isLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// The question section; "" when there is not exactly one. No compression: there is nothing in front of it.
std::string_view questionOf(std::string_view packet) {
  constexpr size_t kTypeAndClass = 4;
  dns::LowerName name;
  if (packet[4] != 0 || packet[5] != 1 || !name.assign(packet.substr(dns::kHeaderSize))) return {};
  if (packet.size() < dns::kHeaderSize + name.size() + kTypeAndClass) return {};
  return packet.substr(dns::kHeaderSize, name.size() + kTypeAndClass);
}

}  // namespace

dns::Name randomCase(const dns::Name& name) {
  constexpr char kCaseBit = 0x20;
  std::string wire = name.wire(), random = base::randomBytes(wire.size());
  for (size_t label = 0; wire[label] != '\0';) {
    size_t end = label + 1 + static_cast<unsigned char>(wire[label]);
    for (size_t i = label + 1; i < end; ++i) {
      if (isLetter(wire[i]) && (random[i] & 1)) wire[i] = static_cast<char>(wire[i] ^ kCaseBit);
    }
    label = end;
  }
  return dns::Name::fromWire(wire);
}

Match matchAnswer(std::string_view packet, std::string_view query) {
  constexpr unsigned kResponseBit = 0x80, kOpcode = 0x78;
  if (packet.size() < dns::kHeaderSize || packet.substr(0, 2) != query.substr(0, 2)) return Match::kNone;
  auto flags = static_cast<unsigned char>(packet[2]);
  if (!(flags & kResponseBit) || (flags & kOpcode)) return Match::kNone;
  bool noQuestion = packet[4] == 0 && packet[5] == 0;
  if (noQuestion && static_cast<dns::Rcode>(packet[3] & 15) == dns::Rcode::kFormErr) return Match::kNoQuestion;
  std::string_view asked = questionOf(query), answered = questionOf(packet);
  if (answered.empty() || answered.size() != asked.size()) return Match::kNone;
  if (answered == asked) return Match::kExact;
  // Type and class are no letters whose case might differ.
  size_t name = asked.size() - 4;
  bool same = answered.substr(name) == asked.substr(name) &&
              base::equalsIgnoreCase(answered.substr(0, name), asked.substr(0, name));
  return same ? Match::kOtherCase : Match::kNone;
}

}  // namespace wherry::clusterdns
