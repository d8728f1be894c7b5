// libFuzzer: what resolvers send, and what configuration says of them, out of any bytes. An answer that is taken gives
// responses that fit and can be read, for a client of any kind, with no TTL higher than allowed; hosts and upstreams
// that are taken are read as the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "clusterdns/forward_config.h"
#include "clusterdns/hosts_table.h"
#include "clusterdns/reply.h"
#include "clusterdns/upstream_answer.h"

namespace dns = wherry::dns;
using namespace wherry::clusterdns;

namespace {

constexpr uint32_t kLeft = 77;

void checkTtls(const std::vector<dns::Record>& records) {
  for (const dns::Record& record : records) {
    if (record.ttl > kLeft) std::abort();
  }
}

void answerWith(const Reply& reply, const dns::Query& query, size_t limit, bool alias) {
  dns::ResponseWriter writer;
  writer.reset(query, limit);
  if (alias) {
    reply.appendTo(writer, {3, kLeft, false});
  } else {
    reply.writeTo(writer, query, {3, kLeft, query.dnssecOk()});
  }
  std::string_view response = writer.finish();
  if (response.size() > limit) std::abort();
  auto read = dns::readMessage(response);
  if (!read || read->id != query.id() || !read->response) std::abort();
  for (const auto* section : {&read->answer, &read->authority, &read->additional}) checkTtls(*section);
}

void readReply(std::string_view packet) {
  ReplyPtr reply = Reply::read(packet);
  if (!reply) return;
  if (reply->lifetime() && (reply->lifetime()->count() <= 0 || reply->kind() == Reply::Kind::kError)) std::abort();
  dns::LowerName name;
  if (!name.assign(reply->question())) return;  // compressed: it would not match any question
  std::string_view question = reply->question();
  for (bool edns : {false, true}) {
    std::string asked = dns::writeQuery({.id = 5,
                                         .name = dns::Name::fromWire(question.substr(0, name.size())),
                                         .type = dns::Type::kA,
                                         .udpSize = edns ? std::optional<uint16_t>(1232) : std::nullopt,
                                         .dnssecOk = edns});
    auto query = dns::Query::read(asked);
    if (!query || query->error() != dns::Rcode::kNoError) std::abort();
    for (size_t limit : {size_t{512}, size_t{65535}}) {
      answerWith(*reply, *query, limit, false);
      answerWith(*reply, *query, limit, true);
    }
  }
}

void matchPacket(std::string_view packet) {
  std::string query = dns::writeQuery(0x3132, randomCase(dns::Name::of("www.example.")), dns::Type::kA, 1232);
  matchAnswer(packet, query);
  if (matchAnswer(query, query) != Match::kNone) std::abort();
}

void readConfiguration(std::string_view text) {
  if (auto upstream = parseUpstream(text)) {
    auto again = parseUpstream(upstream->text());
    if (!again || !(*again == *upstream)) std::abort();
  }
  if (auto stub = parseStubDomain(text); stub && stub->upstreams.empty()) std::abort();
  HostsTable hosts;
  auto parsed = hosts.addText(text);
  if ((parsed.entries > 0) == hosts.empty()) std::abort();
  wherry::json::Value object = {{"data", {{"stubDomains", text}, {"upstreamNameservers", text}, {"hosts", text}}}};
  parseDnsConfigMap(&object);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  readReply(bytes);
  matchPacket(bytes);
  readConfiguration(bytes);
  return 0;
}
