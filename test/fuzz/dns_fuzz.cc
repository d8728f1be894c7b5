// libFuzzer: DNS messages, names and resolv.conf out of any bytes. A query gets a response that fits and can be read; a
// message's records, written into a response, are read as the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "clusterdns/resolv_conf.h"
#include "dns/message.h"

namespace dns = wherry::dns;

namespace {

void readName(std::string_view text) {
  auto name = dns::Name::parse(text);
  if (!name) return;
  if (name->wire().size() > dns::kMaxNameWire || dns::Name::parse(name->text()) != name) std::abort();
  if (!(name->lower() == *name) || !name->isAtOrBelow(dns::Name())) std::abort();
}

void answerQuery(std::string_view packet) {
  auto query = dns::Query::read(packet);
  if (!query) return;
  dns::ResponseWriter writer;
  writer.reset(*query, dns::kMinUdpSize);
  writer.setRcode(query->error());
  bool right = query->error() == dns::Rcode::kNoError && query->hasQuestion();
  for (int i = 0; right && i < 40; ++i) {
    writer.addAddress(dns::Section::kAnswer, query->qname(), 5, std::string_view("\x0a\x00\x00\x01", 4));
  }
  std::string_view response = writer.finish();
  if (response.size() > dns::kMinUdpSize || response.substr(0, 2) != packet.substr(0, 2)) std::abort();
  auto read = dns::readMessage(response);
  if (right && (!read || read->id != query->id() || read->answer.empty() || !read->truncated)) std::abort();
}

// An owner's name is written in lower case.
std::string text(dns::Record record) {
  record.name = record.name.lower();
  return dns::renderRecord(record);
}

void rewriteRecords(std::string_view packet) {
  auto message = dns::readMessage(packet);
  if (!message) return;
  dns::renderMessage(*message);
  std::string asked = dns::writeQuery(1, message->qname, dns::Type::kAny, 65535);
  auto query = dns::Query::read(asked);
  if (!query) std::abort();
  dns::ResponseWriter writer;
  writer.reset(*query, 65535);
  for (const dns::Record& record : message->answer) writer.addRecord(dns::Section::kAnswer, record);
  bool whole = !writer.truncated();
  auto again = dns::readMessage(writer.finish());
  if (!again || (whole && again->answer.size() != message->answer.size())) std::abort();
  for (size_t i = 0; i < again->answer.size(); ++i) {
    if (text(again->answer[i]) != text(message->answer[i])) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  readName(bytes);
  answerQuery(bytes);
  rewriteRecords(bytes);
  auto servers = wherry::clusterdns::parseNameservers(bytes, "10.96.0.10");
  bool allAddresses =
      std::ranges::all_of(servers, [](const auto& text) { return dns::parseAddress(text).has_value(); });
  if (servers.size() > 3 || !allAddresses) std::abort();
  return 0;
}
