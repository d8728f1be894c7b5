// One question to a DNS server, as any client asks it: by UDP, and by TCP where the answer does not fit.
#pragma once

#include <chrono>
#include <string>
#include <variant>

#include "dns/message.h"
#include "dns/name.h"

namespace wherry::main {

// The message, or why there is none: "nobody listens on 10.96.0.10:53", "10.96.0.10:53 does not answer within 2000 ms".
using DnsReply = std::variant<dns::Message, std::string>;

// `server`: "10.96.0.10:53". `patience`: for each of the two ways.
DnsReply askDns(const std::string& server, const dns::Name& name, dns::Type type, std::chrono::milliseconds patience);

}  // namespace wherry::main
