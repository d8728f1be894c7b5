#include "dns/message.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/encoding.h"

namespace wherry::dns {
namespace {

constexpr uint16_t kQr = 0x8000, kAa = 0x0400, kTc = 0x0200, kRd = 0x0100, kRa = 0x0080;
constexpr size_t kOptSize = 11;

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
  Query query;
  query.packet_ = packet;
  query.id_ = read16(packet, 0);
  query.opcode_ = static_cast<uint8_t>(flags >> 11 & 15);
  query.recursionDesired_ = flags & kRd;
  if (query.opcode_ != 0) {
    query.error_ = Rcode::kNotImp;
  } else if (read16(packet, 4) != 1 || !query.readQuestion()) {  // RFC 9619: exactly one question
    query.error_ = Rcode::kFormErr;
  } else {
    unsigned records = read16(packet, 6) + read16(packet, 8) + read16(packet, 10);
    query.readAdditional(kHeaderSize + query.questionSize_, records);
  }
  return query;
}

bool Query::readQuestion() {
  size_t at = kHeaderSize;
  for (;;) {
    if (at >= packet_.size()) return false;
    auto length = static_cast<unsigned char>(packet_[at]);
    size_t offset = at - kHeaderSize;
    // A question's name has nothing to be compressed against.
    if (length > kMaxLabel || offset + 1 + length > kMaxNameWire || at + 1 + length > packet_.size()) return false;
    if (length != 0) labelAt_[labelCount_++] = static_cast<uint8_t>(offset);
    for (size_t i = 0; i <= length; ++i) lower_[offset + i] = lowerAscii(packet_[at + i]);
    at += 1u + length;
    if (length == 0) break;
  }
  if (packet_.size() - at < 4) return false;
  nameSize_ = at - kHeaderSize;
  questionSize_ = nameSize_ + 4;
  qtype_ = static_cast<Type>(read16(packet_, at));
  qclass_ = read16(packet_, at + 2);
  return true;
}

void Query::readAdditional(size_t at, unsigned records) {
  for (unsigned i = 0; i < records; ++i) {
    size_t type = skipName(packet_, at);
    if (type == std::string_view::npos || packet_.size() < type + 10) {
      error_ = Rcode::kFormErr;
      return;
    }
    size_t size = read16(packet_, type + 8);
    if (static_cast<Type>(read16(packet_, type)) == Type::kOpt) {
      if (edns_ || type != at + 1) error_ = Rcode::kFormErr;  // RFC 6891 section 6.1.1: one, owned by the root
      edns_ = true;
      udpSize_ = std::max<uint16_t>(read16(packet_, type + 2), kMinUdpSize);
      if (packet_[type + 5] != 0) error_ = Rcode::kBadVers;
    }
    at = type + 10 + size;
    if (at > packet_.size()) error_ = Rcode::kFormErr;
  }
}

std::string_view Query::label(size_t index) const {
  size_t at = labelAt_[index];
  return {lower_.data() + at + 1, static_cast<unsigned char>(lower_[at])};
}

std::string_view Query::lowerFrom(size_t index) const {
  size_t at = index < labelCount_ ? labelAt_[index] : nameSize_ - 1;
  return {lower_.data() + at, nameSize_ - at};
}

// -- ResponseWriter -------------------------------------------------------------------------------------------------

void ResponseWriter::reset(const Query& query, size_t limit) {
  out_.clear();
  suffixes_.clear();
  counts_ = {};
  rcode_ = Rcode::kNoError;
  authoritative_ = recursionAvailable_ = truncated_ = false;
  edns_ = query.edns();
  limit_ = limit;
  reserved_ = edns_ ? kOptSize : 0;
  append16(query.id());
  append16(static_cast<uint16_t>(query.opcode() << 11 | (query.recursionDesired() ? kRd : 0)));
  append16(query.hasQuestion() ? 1 : 0);
  out_.append(6, '\0');
  if (!query.hasQuestion()) return;
  // The question's suffixes are what owner names are compressed against most.
  std::string_view qname = query.qname();
  for (size_t at = 0; qname[at] != '\0'; at += 1 + static_cast<unsigned char>(qname[at])) {
    uint32_t hash = base::fnv1a32(query.lowerFrom(suffixes_.size()));
    suffixes_.push_back({hash, static_cast<uint16_t>(kHeaderSize + at)});
  }
  out_ += query.question();
}

void ResponseWriter::append16(uint16_t value) {
  out_ += static_cast<char>(value >> 8);
  out_ += static_cast<char>(value);
}

void ResponseWriter::append32(uint32_t value) {
  append16(static_cast<uint16_t>(value >> 16));
  append16(static_cast<uint16_t>(value));
}

// Where the lower-case name `wire` already stands in the message; 0 when nowhere.
size_t ResponseWriter::findSuffix(std::string_view wire) const {
  uint32_t hash = base::fnv1a32(wire);
  for (const Suffix& suffix : suffixes_) {
    if (suffix.hash != hash) continue;
    size_t at = suffix.offset;
    auto written = Name::read(out_, at);
    if (written && written->lower().wire() == wire) return suffix.offset;
  }
  return 0;
}

void ResponseWriter::appendName(std::string_view wire) {
  constexpr size_t kMaxSuffixes = 32, kMaxPointer = 0x3fff;
  while (wire[0] != '\0') {
    if (size_t at = findSuffix(wire); at != 0) {
      append16(static_cast<uint16_t>(0xc000 | at));
      return;
    }
    if (suffixes_.size() < kMaxSuffixes && out_.size() <= kMaxPointer) {
      suffixes_.push_back({base::fnv1a32(wire), static_cast<uint16_t>(out_.size())});
    }
    size_t size = 1 + static_cast<unsigned char>(wire[0]);
    out_ += wire.substr(0, size);
    wire.remove_prefix(size);
  }
  out_ += '\0';
}

bool ResponseWriter::addRecord(Section section, std::string_view owner, Type type, uint32_t ttl,
                               std::string_view rdata) {
  if (truncated_) return false;
  size_t start = out_.size(), suffixes = suffixes_.size();
  appendName(owner);
  append16(static_cast<uint16_t>(type));
  append16(kClassIn);
  append32(ttl);
  append16(static_cast<uint16_t>(rdata.size()));
  out_ += rdata;
  if (out_.size() + reserved_ > limit_) {
    out_.resize(start);
    suffixes_.resize(suffixes);
    truncated_ = section != Section::kAdditional;  // RFC 2181 section 9
    return false;
  }
  ++counts_[static_cast<size_t>(section)];
  return true;
}

bool ResponseWriter::addAddress(Section section, std::string_view owner, uint32_t ttl, std::string_view address) {
  return addRecord(section, owner, address.size() == 4 ? Type::kA : Type::kAaaa, ttl, address);
}

bool ResponseWriter::addSrv(Section section, std::string_view owner, uint32_t ttl, uint16_t priority, uint16_t weight,
                            uint16_t port, std::string_view target) {
  char rdata[6 + kMaxNameWire];
  uint16_t numbers[] = {priority, weight, port};
  for (size_t i = 0; i < 3; ++i) {
    rdata[2 * i] = static_cast<char>(numbers[i] >> 8);
    rdata[2 * i + 1] = static_cast<char>(numbers[i]);
  }
  std::copy(target.begin(), target.end(), rdata + 6);  // RFC 2782: the target is never compressed
  return addRecord(section, owner, Type::kSrv, ttl, {rdata, 6 + target.size()});
}

bool ResponseWriter::addRecord(Section section, const Record& record) {
  std::string rdata;
  writeRdata(record.data, rdata);
  return addRecord(section, record.name.lower().wire(), typeOf(record.data), record.ttl, rdata);
}

std::string_view ResponseWriter::finish() {
  auto code = static_cast<uint16_t>(rcode_);
  uint16_t flags = read16(out_, 2);
  flags = static_cast<uint16_t>(flags | kQr | (authoritative_ ? kAa : 0) | (truncated_ ? kTc : 0) |
                                (recursionAvailable_ ? kRa : 0) | (code & 15));
  put16(out_, 2, flags);
  for (size_t i = 0; i < 3; ++i) put16(out_, 6 + 2 * i, counts_[i]);
  if (edns_) {
    out_ += '\0';
    append16(static_cast<uint16_t>(Type::kOpt));
    append16(kMaxUdpSize);
    append32(static_cast<uint32_t>(code >> 4) << 24);
    append16(0);
    put16(out_, 10, static_cast<uint16_t>(counts_[2] + 1));
  }
  return out_;
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
        message.rcode = static_cast<Rcode>(static_cast<unsigned>(message.rcode) | (ttl >> 24) << 4);
      } else {
        sections[section]->push_back({*name, ttl, *data});
      }
    }
  }
  return message;
}

std::string writeQuery(uint16_t id, const Name& name, Type type, std::optional<uint16_t> udpSize) {
  std::string out(kHeaderSize, '\0');
  put16(out, 0, id);
  put16(out, 2, kRd);
  put16(out, 4, 1);
  put16(out, 10, udpSize ? 1 : 0);
  out += name.wire();
  out.append(4, '\0');
  put16(out, out.size() - 4, static_cast<uint16_t>(type));
  put16(out, out.size() - 2, kClassIn);
  if (udpSize) {
    out.append(kOptSize, '\0');
    put16(out, out.size() - kOptSize + 1, static_cast<uint16_t>(Type::kOpt));
    put16(out, out.size() - kOptSize + 3, *udpSize);
  }
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
