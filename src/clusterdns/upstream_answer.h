// Whether a packet is the answer to a question that was asked of a resolver (RFC 5452 section 9.1), and how the
// question is put so that nobody else can know it: a random id, and a random case of its letters
// (draft-vixie-dnsext-dns0x20) that the answer has to bring back. Pure, but for the randomness.
#pragma once

#include <string>
#include <string_view>

#include "dns/message.h"

namespace wherry::clusterdns {

// The same name, each letter in a random case.
dns::Name randomCase(const dns::Name& name);

enum class Match {
  kNone,        // as if it had not come
  kExact,       // id, name, type and class are what was asked
  kOtherCase,   // ... but for the case of the name: an old resolver, or somebody who guesses
  kNoQuestion,  // the id, and an error without a question: a resolver that does not know EDNS
};
// `query`: as it was sent.
Match matchAnswer(std::string_view packet, std::string_view query);

}  // namespace wherry::clusterdns
