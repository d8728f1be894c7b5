#include "dns/message.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/encoding.h"

namespace wherry::dns {
namespace {

constexpr uint16_t kQr = 0x8000, kAa = 0x0400, kTc = 0x0200, kRd = 0x0100, kRa = 0x0080, kAd = 0x0020, kCd = 0x0010;
constexpr uint16_t kDo = 0x8000;  // RFC 3225, in the OPT record's TTL
constexpr size_t kOptSize = 11;
constexpr uint16_t kCookie = 10, kKeepalive = 11, kPadding = 12, kExtendedError = 15;  // EDNS options
constexpr size_t kOptionHead = 4;
constexpr size_t kCookieOption = kOptionHead + kClientCookieSize + kServerCookieSize,
                 kKeepaliveOption = kOptionHead + 2, kExtendedErrorOption = kOptionHead + 2;
constexpr size_t kMaxServerCookie = 32;

uint16_t read16(std::string_view data, size_t at) {
  return static_cast<uint16_t>(static_cast<unsigned char>(data[at]) << 8 | static_cast<unsigned char>(data[at + 1]));
}

uint32_t read32(std::string_view data, size_t at) {
  return static_cast<uint32_t>(read16(data, at)) << 16 | read16(data, at + 2);
}

void put16(std::string& out, size_t at, uint16_t value) {
  out[at] = static_cast<char>(value >> 8);
  out[at + 1] = static_cast<char>(value);
}

// Behind a name that need not be understood; npos when it runs out of the packet.
size_t skipName(std::string_view packet, size_t at) {
  while (at < packet.size()) {
    auto length = static_cast<unsigned char>(packet[at]);
    if (length == 0) return at + 1;
    if ((length & 0xc0) == 0xc0) return at + 2;
    if (length > kMaxLabel) return std::string_view::npos;
    at += 1u + length;
  }
  return std::string_view::npos;
}

}  // namespace

std::string_view rcodeName(Rcode rcode) {
  switch (rcode) {
    case Rcode::kNoError:
      return "NOERROR";
    case Rcode::kFormErr:
      return "FORMERR";
    case Rcode::kServFail:
      return "SERVFAIL";
    case Rcode::kNxDomain:
      return "NXDOMAIN";
    case Rcode::kNotImp:
      return "NOTIMP";
    case Rcode::kRefused:
      return "REFUSED";
    case Rcode::kNotAuth:
      return "NOTAUTH";
    case Rcode::kBadVers:
      return "BADVERS";
  }
  return "?";
}

// -- Query ----------------------------------------------------------------------------------------------------------

std::optional<Query> Query::read(std::string_view packet) {
  if (packet.size() < kHeaderSize) return std::nullopt;
  uint16_t flags = read16(packet, 2);
  if (flags & kQr) return std::nullopt;
  std::optional<Query> result(std::in_place);
  Query& query = *result;
  query.packet_ = packet;
  query.id_ = read16(packet, 0);
  query.opcode_ = static_cast<uint8_t>(flags >> 11 & 15);
  query.recursionDesired_ = flags & kRd;
  query.authenticData_ = flags & kAd;
  query.checkingDisabled_ = flags & kCd;
  uint16_t questions = read16(packet, 4);
  if (query.opcode_ != 0) {
    query.error_ = Rcode::kNotImp;
  } else if (questions > 1 || (questions == 1 && !query.readQuestion())) {  // RFC 9619: not more than one
    query.error_ = Rcode::kFormErr;
  } else {
    unsigned records = read16(packet, 6) + read16(packet, 8) + read16(packet, 10);
    query.readRecords(kHeaderSize + query.questionSize_, records);
    if (questions == 0 && query.cookie_.empty() && query.error_ == Rcode::kNoError) query.error_ = Rcode::kFormErr;
  }
  return result;
}

bool Query::readQuestion() {
  // A question's name has nothing to be compressed against.
  if (!name_.assign(packet_.substr(kHeaderSize))) return false;
  size_t at = kHeaderSize + name_.size();
  if (packet_.size() - at < 4) return false;
  questionSize_ = name_.size() + 4;
  qtype_ = static_cast<Type>(read16(packet_, at));
  qclass_ = read16(packet_, at + 2);
  return true;
}

void Query::readRecords(size_t at, unsigned records) {
  for (unsigned i = 0; i < records; ++i) {
    size_t type = skipName(packet_, at);
    if (type == std::string_view::npos || packet_.size() < type + 10 ||
        packet_.size() - type - 10 < read16(packet_, type + 8)) {
      error_ = Rcode::kFormErr;
      return;
    }
    size_t size = read16(packet_, type + 8);
    if (static_cast<Type>(read16(packet_, type)) == Type::kOpt) {
      // RFC 6891 section 6.1.1: one, owned by the root.
      bool good = !edns_ && type == at + 1 && readOpt(type, packet_.substr(type + 10, size));
      if (!good) error_ = Rcode::kFormErr;
    }
    at = type + 10 + size;
  }
}

bool Query::readOpt(size_t type, std::string_view options) {
  edns_ = true;
  udpSize_ = std::max<uint16_t>(read16(packet_, type + 2), kMinUdpSize);
  dnssecOk_ = read16(packet_, type + 6) & kDo;
  if (packet_[type + 5] != 0) {  // what options mean in another version, nobody knows
    error_ = Rcode::kBadVers;
    return true;
  }
  while (!options.empty()) {
    if (options.size() < kOptionHead || options.size() - kOptionHead < read16(options, 2)) return false;
    std::string_view data = options.substr(kOptionHead, read16(options, 2));
    uint16_t code = read16(options, 0);
    if (code == kCookie) {
      bool half = data.size() == kClientCookieSize;
      // RFC 7873 section 5.2.2: a server's half has 8 to 32 bytes.
      if (!half && (data.size() < 2 * kClientCookieSize || data.size() > kClientCookieSize + kMaxServerCookie)) {
        return false;
      }
      cookie_ = data;
    }
    if (code == kKeepalive) asksForKeepalive_ = true;
    options.remove_prefix(kOptionHead + data.size());
  }
  return true;
}

// -- ResponseWriter -------------------------------------------------------------------------------------------------

void ResponseWriter::reset(const Query& query, size_t limit) {
  edns_ = query.edns();
  dnssecOk_ = query.dnssecOk();
  asksForKeepalive_ = query.asksForKeepalive();
  clientCookie_ = query.cookie().substr(0, kClientCookieSize);
  nameSize_ = query.hasQuestion() ? query.name().size() : 0;
  counts_ = {};
  rcode_ = Rcode::kNoError;
  authoritative_ = recursionAvailable_ = authenticData_ = truncated_ = false;
  serverCookie_ = {};
  keepalive_.reset();
  extendedError_.reset();
  if (given_ == nullptr && own_.size() < std::max(limit, kMinUdpSize)) own_.resize(std::max(limit, kMinUdpSize));
  out_ = given_ != nullptr ? given_ : own_.data();
  size_t opt = 0;
  if (query.edns()) {
    opt = kOptSize + (query.cookie().empty() ? 0 : kCookieOption) + (query.asksForKeepalive() ? kKeepaliveOption : 0);
  }
  room_ = limit > opt ? limit - opt : 0;
  size_ = 0;
  flags_ = static_cast<uint16_t>(kQr | query.opcode() << 11 | (query.recursionDesired() ? kRd : 0) |
                                 (query.checkingDisabled() ? kCd : 0));
  put16(query.id());
  put16(flags_);
  put16(query.hasQuestion() ? 1 : 0);
  size_ = kHeaderSize;
  put(query.question());
}

void ResponseWriter::put16(size_t value) {
  out_[size_++] = static_cast<char>(value >> 8);
  out_[size_++] = static_cast<char>(value);
}

void ResponseWriter::put32(uint32_t value) {
  put16(value >> 16);
  put16(value & 0xffff);
}

void ResponseWriter::put(std::string_view bytes) {
  std::copy(bytes.begin(), bytes.end(), out_ + size_);
  size_ += bytes.size();
}

// How many bytes of the owner's name have to be written in front of a pointer to `pointer` (0: none, the name is
// whole).
size_t ResponseWriter::ownerSize(const Owner& owner, size_t& pointer) const {
  pointer = owner.at_ <= kMaxPointer ? owner.at_ : 0;
  if (pointer != 0) return 0;
  // The question's name ends as most names do.
  std::string_view rest = owner.wire_;
  for (size_t at = 0; rest[at] != '\0'; at += 1 + static_cast<unsigned char>(rest[at])) {
    if (!endsQuestion(rest.substr(at))) continue;
    pointer = kHeaderSize + nameSize_ - (rest.size() - at);
    return at;
  }
  return rest.size();
}

bool ResponseWriter::endsQuestion(std::string_view suffix) const {
  if (suffix.size() > nameSize_) return false;
  std::string_view name(out_ + kHeaderSize, nameSize_);
  size_t offset = nameSize_ - suffix.size();
  for (size_t i = 0; i < suffix.size(); ++i) {
    if (lowerAscii(name[offset + i]) != suffix[i]) return false;
  }
  // Equal bytes up to the end are equal labels only where a label begins.
  size_t label = 0;
  while (label < offset) label += 1 + static_cast<unsigned char>(name[label]);
  return label == offset;
}

size_t ResponseWriter::addRecord(Section section, Owner owner, Type type, uint32_t ttl, std::string_view rdata) {
  if (truncated_) return 0;
  size_t pointer = 0, written = ownerSize(owner, pointer);
  if (size_ + written + (pointer != 0 ? 2 : 0) + 10 + rdata.size() > room_) {
    truncated_ = section != Section::kAdditional;  // RFC 2181 section 9
    return 0;
  }
  put(owner.wire_.substr(0, written));
  if (pointer != 0) put16(0xc000 | pointer);
  put16(static_cast<uint16_t>(type));
  put16(kClassIn);
  put32(ttl);
  put16(rdata.size());
  size_t at = size_;
  put(rdata);
  ++counts_[static_cast<size_t>(section)];
  return at;
}

size_t ResponseWriter::addAddress(Section section, Owner owner, uint32_t ttl, std::string_view address) {
  return addRecord(section, owner, address.size() == 4 ? Type::kA : Type::kAaaa, ttl, address);
}

size_t ResponseWriter::addSrv(Section section, Owner owner, uint32_t ttl, uint16_t priority, uint16_t weight,
                              uint16_t port, std::string_view target) {
  char rdata[kSrvTarget + kMaxNameWire];
  uint16_t numbers[] = {priority, weight, port};
  for (size_t i = 0; i < 3; ++i) {
    rdata[2 * i] = static_cast<char>(numbers[i] >> 8);
    rdata[2 * i + 1] = static_cast<char>(numbers[i]);
  }
  std::copy(target.begin(), target.end(), rdata + kSrvTarget);  // RFC 2782: the target is never compressed
  return addRecord(section, owner, Type::kSrv, ttl, {rdata, kSrvTarget + target.size()});
}

size_t ResponseWriter::addRecord(Section section, const Record& record) {
  std::string rdata, owner = record.name.lower().wire();
  writeRdata(record.data, rdata);
  return addRecord(section, owner, typeOf(record.data), record.ttl, rdata);
}

bool ResponseWriter::addRecords(std::string_view wire, const std::array<uint16_t, 3>& counts) {
  if (truncated_) return false;
  if (size_ + wire.size() > room_) {
    truncated_ = true;
    return false;
  }
  put(wire);
  counts_ = counts;
  return true;
}

void ResponseWriter::setTtl(size_t at, uint32_t ttl) {
  size_t end = std::exchange(size_, at);
  put32(ttl);
  size_ = end;
}

void ResponseWriter::setExtendedError(uint16_t code) {
  if (!edns_ || room() < kExtendedErrorOption) return;
  extendedError_ = code;
  room_ -= kExtendedErrorOption;
}

std::string_view ResponseWriter::finish() {
  size_t end = size_;
  auto code = static_cast<uint16_t>(rcode_);
  size_t flags = flags_ | (authoritative_ ? kAa : 0) | (truncated_ ? kTc : 0) | (recursionAvailable_ ? kRa : 0) |
                 (authenticData_ ? kAd : 0) | (code & 15);
  size_ = 2;
  put16(flags);
  size_ = 6;
  put16(counts_[0]);
  put16(counts_[1]);
  put16(counts_[2] + (edns_ ? 1u : 0u));
  size_ = end;
  if (edns_) finishOpt();
  return {out_, size_};
}

void ResponseWriter::finishOpt() {
  bool cookie = !clientCookie_.empty() && serverCookie_.size() == kServerCookieSize;
  bool keepalive = keepalive_ && asksForKeepalive_;
  out_[size_++] = '\0';
  put16(static_cast<uint16_t>(Type::kOpt));
  put16(kMaxUdpSize);
  put32(static_cast<uint32_t>(static_cast<unsigned>(rcode_) >> 4) << 24 | (dnssecOk_ ? kDo : 0u));
  put16((cookie ? kCookieOption : 0) + (keepalive ? kKeepaliveOption : 0) +
        (extendedError_ ? kExtendedErrorOption : 0));
  if (cookie) {
    put16(kCookie);
    put16(kClientCookieSize + kServerCookieSize);
    put(clientCookie_);
    put(serverCookie_);
  }
  if (keepalive) {
    put16(kKeepalive);
    put16(2);
    put16(*keepalive_);
  }
  if (extendedError_) {
    put16(kExtendedError);
    put16(2);
    put16(*extendedError_);
  }
}

// -- records where they stand ---------------------------------------------------------------------------------------

std::optional<Places> locateRecords(std::string_view packet) {
  if (packet.size() < kHeaderSize || read16(packet, 4) != 1) return std::nullopt;
  Places places;
  size_t at = skipName(packet, kHeaderSize);
  if (at == std::string_view::npos || packet.size() < at + 4) return std::nullopt;
  at = places.questionEnd = at + 4;
  for (size_t section = 0; section < 3; ++section) {
    for (unsigned left = read16(packet, 6 + 2 * section); left > 0; --left) {
      size_t type = skipName(packet, at);
      if (type == std::string_view::npos || packet.size() < type + 10) return std::nullopt;
      size_t size = read16(packet, type + 8);
      if (packet.size() - type - 10 < size) return std::nullopt;
      places.records.push_back({static_cast<Section>(section), static_cast<Type>(read16(packet, type)), at, type + 4,
                                read32(packet, type + 4), packet.substr(type + 10, size)});
      at = type + 10 + size;
    }
  }
  places.end = at;
  return places;
}

// -- whole messages -------------------------------------------------------------------------------------------------

std::optional<Message> readMessage(std::string_view packet) {
  if (packet.size() < kHeaderSize) return std::nullopt;
  Message message;
  uint16_t flags = read16(packet, 2);
  message.id = read16(packet, 0);
  message.response = flags & kQr;
  message.authoritative = flags & kAa;
  message.truncated = flags & kTc;
  message.recursionDesired = flags & kRd;
  message.recursionAvailable = flags & kRa;
  message.authenticData = flags & kAd;
  message.checkingDisabled = flags & kCd;
  message.opcode = static_cast<uint8_t>(flags >> 11 & 15);
  message.rcode = static_cast<Rcode>(flags & 15);
  size_t at = kHeaderSize;
  if (read16(packet, 4) == 1) {
    auto name = Name::read(packet, at);
    if (!name || packet.size() < at + 4) return std::nullopt;
    message.qname = *name;
    message.qtype = static_cast<Type>(read16(packet, at));
    at += 4;
  }
  std::vector<Record>* sections[] = {&message.answer, &message.authority, &message.additional};
  for (size_t section = 0; section < 3; ++section) {
    for (unsigned left = read16(packet, 6 + 2 * section); left > 0; --left) {
      auto name = Name::read(packet, at);
      if (!name || packet.size() < at + 10) return std::nullopt;
      Type type = static_cast<Type>(read16(packet, at));
      uint32_t ttl = read32(packet, at + 4);
      size_t size = read16(packet, at + 8);
      auto data = readRdata(type, packet, at + 10, size);
      if (!data) return std::nullopt;
      at += 10 + size;
      if (type == Type::kOpt) {
        message.edns = true;
        message.dnssecOk = ttl & kDo;
        message.options = packet.substr(at - size, size);
        message.rcode = static_cast<Rcode>(static_cast<unsigned>(message.rcode) | (ttl >> 24) << 4);
      } else {
        sections[section]->push_back({*name, ttl, *data});
      }
    }
  }
  return message;
}

std::string writeQuery(uint16_t id, const Name& name, Type type, std::optional<uint16_t> udpSize) {
  return writeQuery({.id = id, .name = name, .type = type, .udpSize = udpSize});
}

std::string writeQuery(const Asked& asked) {
  std::string out(kHeaderSize, '\0');
  put16(out, 0, asked.id);
  put16(out, 2, static_cast<uint16_t>(kRd | (asked.authenticData ? kAd : 0) | (asked.checkingDisabled ? kCd : 0)));
  put16(out, 4, 1);
  put16(out, 10, asked.udpSize ? 1 : 0);
  out += asked.name.wire();
  out.append(4, '\0');
  put16(out, out.size() - 4, static_cast<uint16_t>(asked.type));
  put16(out, out.size() - 2, kClassIn);
  if (!asked.udpSize) return out;
  size_t opt = out.size();
  out.append(kOptSize, '\0');
  put16(out, opt + 1, static_cast<uint16_t>(Type::kOpt));
  put16(out, opt + 3, *asked.udpSize);
  put16(out, opt + 7, asked.dnssecOk ? kDo : 0);
  if (asked.padTo == 0) return out;
  size_t bare = out.size() + kOptionHead, padding = (asked.padTo - bare % asked.padTo) % asked.padTo;
  put16(out, opt + 9, static_cast<uint16_t>(kOptionHead + padding));
  out.append(kOptionHead + padding, '\0');
  put16(out, opt + kOptSize, kPadding);
  put16(out, opt + kOptSize + 2, static_cast<uint16_t>(padding));
  return out;
}

std::string renderMessage(const Message& message) {
  std::string out(rcodeName(message.rcode));
  if (message.authoritative) out += " aa";
  if (message.truncated) out += " tc";
  out += "\n";
  auto section = [&](std::string_view title, const std::vector<Record>& records) {
    if (records.empty()) return;
    out += fmt::format(";; {}\n", title);
    for (const Record& record : records) out += renderRecord(record) + "\n";
  };
  section("ANSWER", message.answer);
  section("AUTHORITY", message.authority);
  section("ADDITIONAL", message.additional);
  return out;
}

}  // namespace wherry::dns
