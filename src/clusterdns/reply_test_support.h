// For tests: packets as a resolver would send them.
#pragma once

#include <string>
#include <vector>

#include "base/strings.h"
#include "dns/message.h"

namespace wherry::clusterdns::test {

struct Built {
  dns::Rcode rcode = dns::Rcode::kNoError;
  std::vector<std::string> answer;  // "NAME TTL TYPE DATA", of A, AAAA, CNAME and MX (preference 10)
  uint32_t soaTtl = 0, soaMinimum = 0;
  bool truncated = false, authenticData = false;
};

inline dns::Record recordOf(const std::string& line) {
  auto words = base::split(line, ' ');
  std::string data(words.at(3));
  dns::Record record{dns::Name::of(words[0]), *base::parseInt<uint32_t>(words[1]), {}};
  if (words[2] == "A") record.data = dns::A{*dns::parseAddress(data)};
  if (words[2] == "AAAA") record.data = dns::Aaaa{*dns::parseAddress(data)};
  if (words[2] == "CNAME") record.data = dns::Cname{dns::Name::of(data)};
  if (words[2] == "MX") record.data = dns::Mx{10, dns::Name::of(data)};
  return record;
}

// The response to a packet that is a query.
inline std::string answerTo(const std::string& packet, const Built& built) {
  auto query = dns::Query::read(packet);
  dns::ResponseWriter writer;
  writer.reset(*query, 65535);
  writer.setRcode(built.rcode);
  writer.setRecursionAvailable();
  if (built.authenticData) writer.setAuthenticData();
  for (const std::string& line : built.answer) writer.addRecord(dns::Section::kAnswer, recordOf(line));
  dns::Soa soa{dns::Name(), dns::Name(), 1, 2, 3, 4, built.soaMinimum};
  if (built.soaMinimum > 0) writer.addRecord(dns::Section::kAuthority, {dns::Name(), built.soaTtl, soa});
  if (built.truncated) writer.setTruncated();
  return std::string(writer.finish());
}

inline std::string answerTo(std::string_view name, dns::Type type, const Built& built) {
  return answerTo(dns::writeQuery(7, dns::Name::of(name), type, 1232), built);
}

}  // namespace wherry::clusterdns::test
