#include "clusterdns/reply.h"

#include <algorithm>

namespace wherry::clusterdns {
namespace {

constexpr uint16_t kStaleAnswer = 3;  // RFC 8914 section 4.4

// RFC 2181 section 8: what has the highest bit is 0.
uint32_t soundTtl(uint32_t ttl) { return ttl > INT32_MAX ? 0 : ttl; }

uint32_t read32(std::string_view bytes) {
  uint32_t value = 0;
  for (char c : bytes.substr(0, 4)) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

// RFC 2308 section 5: the lesser of the SOA's TTL and its last field.
std::optional<uint32_t> negativeTtl(const dns::Places& places) {
  constexpr size_t kSmallestSoa = 22;
  for (const dns::RecordPlace& record : places.records) {
    bool soa = record.section == dns::Section::kAuthority && record.type == dns::Type::kSoa;
    if (!soa || record.data.size() < kSmallestSoa) continue;
    return std::min(soundTtl(record.ttl), soundTtl(read32(record.data.substr(record.data.size() - 4))));
  }
  return std::nullopt;
}

}  // namespace

ReplyPtr Reply::read(std::string_view packet) {
  auto message = dns::readMessage(packet);
  auto places = message && message->response && message->opcode == 0 ? dns::locateRecords(packet) : std::nullopt;
  if (!places || packet.size() > UINT16_MAX) return nullptr;
  auto reply = std::make_shared<Reply>();
  reply->qtype_ = message->qtype;
  reply->rcode_ = message->rcode;
  reply->truncated_ = message->truncated;
  reply->authenticData_ = message->authenticData;
  reply->edns_ = message->edns;
  reply->questionSize_ = places->questionEnd - dns::kHeaderSize;
  // OPT is about the message, not the name; it stands last, and what stands behind it all the same is not needed.
  auto opt = std::find_if(places->records.begin(), places->records.end(),
                          [](const auto& record) { return record.type == dns::Type::kOpt; });
  size_t end = opt == places->records.end() ? places->end : opt->at;
  if (opt != places->records.end() && opt->section != dns::Section::kAdditional) return nullptr;
  places->records.erase(opt, places->records.end());
  reply->judge(*places);
  reply->packet_ = packet.substr(0, end);
  for (const dns::RecordPlace& record : places->records) {
    ++reply->counts_[static_cast<size_t>(record.section)];
    reply->ttls_.push_back({static_cast<uint16_t>(record.ttlAt), soundTtl(record.ttl)});
  }
  for (size_t section = 0; section < reply->counts_.size(); ++section) {
    constexpr size_t kCountsAt = 6;
    reply->packet_[kCountsAt + 2 * section] = static_cast<char>(reply->counts_[section] >> 8);
    reply->packet_[kCountsAt + 2 * section + 1] = static_cast<char>(reply->counts_[section]);
  }
  return reply;
}

ReplyPtr Reply::failure(const dns::Name& name, dns::Type type) {
  constexpr uint8_t kResponse = 0x80;
  std::string packet = dns::writeQuery(0, name, type, std::nullopt);
  packet[2] = static_cast<char>(static_cast<unsigned char>(packet[2]) | kResponse);
  packet[3] = static_cast<char>(dns::Rcode::kServFail);
  return read(packet);
}

void Reply::judge(const dns::Places& places) {
  bool answered = false;
  uint32_t least = UINT32_MAX;
  for (const dns::RecordPlace& record : places.records) {
    bool answer = record.section == dns::Section::kAnswer;
    answered |= answer && (record.type == qtype_ || qtype_ == dns::Type::kAny);
    least = std::min(least, soundTtl(record.ttl));
  }
  bool exists = rcode_ == dns::Rcode::kNoError;
  if (!exists && rcode_ != dns::Rcode::kNxDomain) return;
  auto denied = exists && answered ? std::nullopt : negativeTtl(places);
  kind_ = exists && answered ? Kind::kSuccess : Kind::kDenial;
  // RFC 2308 section 5: a denial without an SOA is nobody's to keep; half an answer neither.
  if (truncated_ || (kind_ == Kind::kDenial && !denied)) return;
  least = std::min(least, denied.value_or(UINT32_MAX));
  if (least > 0) lifetime_ = std::chrono::seconds(least);
}

size_t Reply::size() const { return sizeof *this + packet_.capacity() + ttls_.capacity() * sizeof(Ttl); }

uint32_t Reply::ttlNow(uint32_t ttl, Age age) {
  if (age.stale) return age.left;  // RFC 8767 section 4
  return std::min(ttl - std::min(ttl, age.passed), age.left);
}

void Reply::writeTo(dns::ResponseWriter& writer, const dns::Query& query, Age age) const {
  writer.setRcode(rcode_);
  writer.setRecursionAvailable();
  // RFC 6840 section 5.8: only for those who show that they know it.
  if (authenticData_ && (query.dnssecOk() || query.authenticData()) && !age.stale) writer.setAuthenticData();
  if (truncated_) writer.setTruncated();
  if (age.stale) writer.setExtendedError(kStaleAnswer);
  if (!writer.addRecords(std::string_view(packet_).substr(dns::kHeaderSize + questionSize_), counts_)) return;
  for (const Ttl& ttl : ttls_) writer.setTtl(ttl.at, ttlNow(ttl.seconds, age));
}

void Reply::appendTo(dns::ResponseWriter& writer, Age age) const {
  auto message = dns::readMessage(packet_);
  if (!message) return;     // it was read once
  writer.setRcode(rcode_);  // RFC 6604 section 2.1: of the last name
  writer.setRecursionAvailable();
  if (truncated_) writer.setTruncated();
  if (age.stale) writer.setExtendedError(kStaleAnswer);
  auto add = [&](dns::Section section, std::vector<dns::Record>& records) {
    for (dns::Record& record : records) {
      record.ttl = ttlNow(soundTtl(record.ttl), age);
      if (!writer.addRecord(section, record)) return;
    }
  };
  add(dns::Section::kAnswer, message->answer);
  // The SOA of a denial; other authorities are nobody's matter.
  if (message->answer.empty() || kind_ == Kind::kDenial) add(dns::Section::kAuthority, message->authority);
}

}  // namespace wherry::clusterdns
