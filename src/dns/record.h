// Resource records. Each type's fields are described once (record.cc, `visit`), and that description reads the wire
// form, writes it, and makes the text of a zone file. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "dns/name.h"

namespace wherry::dns {

// RFC 1035 section 3.2.2 and IANA's registry; other numbers may stand in it as well.
enum class Type : uint16_t {
  kA = 1,
  kNs = 2,
  kCname = 5,
  kSoa = 6,
  kPtr = 12,
  kHinfo = 13,
  kMx = 15,
  kTxt = 16,
  kAaaa = 28,
  kSrv = 33,
  kOpt = 41,
  kSvcb = 64,
  kHttps = 65,
  kIxfr = 251,
  kAxfr = 252,
  kAny = 255,
};

constexpr uint16_t kClassIn = 1;

struct A {
  std::string address;  // 4 bytes
};
struct Aaaa {
  std::string address;  // 16 bytes (RFC 3596)
};
struct Ns {
  Name host;
};
struct Cname {
  Name target;
};
struct Ptr {
  Name target;
};
struct Soa {
  Name primary;
  Name mailbox;
  uint32_t serial = 0, refresh = 0, retry = 0, expire = 0, minimum = 0;  // seconds
};
struct Mx {
  uint16_t preference = 0;
  Name exchange;
};
struct Hinfo {
  std::string cpu, os;
};
struct Txt {
  std::vector<std::string> texts;  // 255 bytes each at most
};
struct Srv {  // RFC 2782
  uint16_t priority = 0, weight = 0, port = 0;
  Name target;
};
struct Unknown {  // RFC 3597
  uint16_t type = 0;
  std::string data;
};

using Rdata = std::variant<A, Aaaa, Ns, Cname, Ptr, Soa, Mx, Hinfo, Txt, Srv, Unknown>;

struct Record {
  Name name;
  uint32_t ttl = 0;  // seconds
  Rdata data;
};

Type typeOf(const Rdata& data);
std::string typeName(Type type);  // "A", "SRV", "TYPE65280"
std::optional<Type> parseType(std::string_view name);

// Appends the wire form; names are not compressed.
void writeRdata(const Rdata& data, std::string& out);
// The `size` bytes at `at` of a whole message (compressed names point back into it). Nothing when they are not a record
// of this type.
std::optional<Rdata> readRdata(Type type, std::string_view message, size_t at, size_t size);

// "web.default.svc.cluster.local. 5 IN A 10.96.0.1"
std::string renderRecord(const Record& record);

// "10.1.2.3" -> 4 bytes, "fd00::1" -> 16 bytes; nothing for anything else.
std::optional<std::string> parseAddress(std::string_view text);
std::string renderAddress(std::string_view address);

}  // namespace wherry::dns
