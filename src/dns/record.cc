#include "dns/record.h"

#include <array>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "base/encoding.h"
#include "base/ip.h"
#include "base/strings.h"

namespace wherry::dns {
namespace {

struct TypeEntry {
  Type type;
  std::string_view name;
};
constexpr std::array kTypes = {
    TypeEntry{Type::kA, "A"},       TypeEntry{Type::kNs, "NS"},       TypeEntry{Type::kCname, "CNAME"},
    TypeEntry{Type::kSoa, "SOA"},   TypeEntry{Type::kPtr, "PTR"},     TypeEntry{Type::kHinfo, "HINFO"},
    TypeEntry{Type::kTxt, "TXT"},   TypeEntry{Type::kAaaa, "AAAA"},   TypeEntry{Type::kSrv, "SRV"},
    TypeEntry{Type::kOpt, "OPT"},   TypeEntry{Type::kAny, "ANY"},     TypeEntry{Type::kMx, "MX"},
    TypeEntry{Type::kSvcb, "SVCB"}, TypeEntry{Type::kHttps, "HTTPS"}, TypeEntry{Type::kIxfr, "IXFR"},
    TypeEntry{Type::kAxfr, "AXFR"},
};

// -- the one description of each type's fields ----------------------------------------------------------------------

template <typename F>
void visit(A& d, F& f) {
  f.address(d.address, 4);
}
template <typename F>
void visit(Aaaa& d, F& f) {
  f.address(d.address, 16);
}
template <typename F>
void visit(Ns& d, F& f) {
  f.name(d.host);
}
template <typename F>
void visit(Cname& d, F& f) {
  f.name(d.target);
}
template <typename F>
void visit(Ptr& d, F& f) {
  f.name(d.target);
}
template <typename F>
void visit(Soa& d, F& f) {
  f.name(d.primary);
  f.name(d.mailbox);
  for (uint32_t* number : {&d.serial, &d.refresh, &d.retry, &d.expire, &d.minimum}) f.number(*number);
}
template <typename F>
void visit(Mx& d, F& f) {
  f.number(d.preference);
  f.name(d.exchange);
}
template <typename F>
void visit(Hinfo& d, F& f) {
  f.text(d.cpu);
  f.text(d.os);
}
template <typename F>
void visit(Txt& d, F& f) {
  f.texts(d.texts);
}
template <typename F>
void visit(Srv& d, F& f) {
  for (uint16_t* number : {&d.priority, &d.weight, &d.port}) f.number(*number);
  f.name(d.target);
}
template <typename F>
void visit(Unknown& d, F& f) {
  f.rest(d.data);
}

// -- what is done with the description ------------------------------------------------------------------------------

class WireWriter {
 public:
  explicit WireWriter(std::string& out) : out_(out) {}
  void address(std::string& bytes, size_t) { out_ += bytes; }
  void name(Name& value) { out_ += value.wire(); }
  template <typename Int>
  void number(Int& value) {
    for (size_t i = sizeof value; i-- > 0;) out_ += static_cast<char>(value >> (8 * i));
  }
  void text(std::string& value) {
    out_ += static_cast<char>(value.size());
    out_ += value;
  }
  void texts(std::vector<std::string>& values) {
    for (std::string& value : values) text(value);
  }
  void rest(std::string& data) { out_ += data; }

 private:
  std::string& out_;
};

class WireReader {
 public:
  WireReader(std::string_view message, size_t at, size_t size) : message_(message.substr(0, at + size)), at_(at) {}
  bool ok() const { return ok_ && at_ == message_.size(); }

  void address(std::string& bytes, size_t size) { bytes = take(size); }
  void name(Name& value) {
    auto name = Name::read(message_, at_);
    if (name)
      value = *name;
    else
      ok_ = false;
  }
  template <typename Int>
  void number(Int& value) {
    value = 0;
    for (char c : take(sizeof value)) value = static_cast<Int>(value << 8 | static_cast<unsigned char>(c));
  }
  void text(std::string& value) {
    uint8_t size = 0;
    number(size);
    value = take(size);
  }
  void texts(std::vector<std::string>& values) {
    while (ok_ && at_ < message_.size()) text(values.emplace_back());
  }
  void rest(std::string& data) { data = take(message_.size() - at_); }

 private:
  std::string take(size_t size) {
    if (!ok_ || at_ > message_.size() || message_.size() - at_ < size) {
      ok_ = false;
      return {};
    }
    at_ += size;
    return std::string(message_.substr(at_ - size, size));
  }

  std::string_view message_;
  size_t at_;
  bool ok_ = true;
};

class TextWriter {
 public:
  std::string out;
  void address(std::string& bytes, size_t) { out += " " + renderAddress(bytes); }
  void name(Name& value) { out += " " + value.text(); }
  template <typename Int>
  void number(Int& value) {
    out += fmt::format(" {}", value);
  }
  void text(std::string& value) { out += fmt::format(" \"{}\"", base::replaceAll(value, "\"", "\\\"")); }
  void texts(std::vector<std::string>& values) {
    for (std::string& value : values) text(value);
  }
  void rest(std::string& data) { out += fmt::format(" \\# {} {}", data.size(), base::encodeHex(data)); }
};

template <typename Visitor>
void visitRdata(const Rdata& data, Visitor& visitor) {
  Rdata copy = data;  // the description takes references that a reader may fill
  std::visit([&](auto& fields) { visit(fields, visitor); }, copy);
}

Rdata emptyOf(Type type) {
  switch (type) {
    case Type::kA:
      return A{};
    case Type::kAaaa:
      return Aaaa{};
    case Type::kNs:
      return Ns{};
    case Type::kCname:
      return Cname{};
    case Type::kPtr:
      return Ptr{};
    case Type::kSoa:
      return Soa{};
    case Type::kMx:
      return Mx{};
    case Type::kHinfo:
      return Hinfo{};
    case Type::kTxt:
      return Txt{};
    case Type::kSrv:
      return Srv{};
    default:
      return Unknown{static_cast<uint16_t>(type), {}};
  }
}

}  // namespace

Type typeOf(const Rdata& data) {
  struct Visitor {
    Type operator()(const A&) const { return Type::kA; }
    Type operator()(const Aaaa&) const { return Type::kAaaa; }
    Type operator()(const Ns&) const { return Type::kNs; }
    Type operator()(const Cname&) const { return Type::kCname; }
    Type operator()(const Ptr&) const { return Type::kPtr; }
    Type operator()(const Soa&) const { return Type::kSoa; }
    Type operator()(const Mx&) const { return Type::kMx; }
    Type operator()(const Hinfo&) const { return Type::kHinfo; }
    Type operator()(const Txt&) const { return Type::kTxt; }
    Type operator()(const Srv&) const { return Type::kSrv; }
    Type operator()(const Unknown& d) const { return static_cast<Type>(d.type); }
  };
  return std::visit(Visitor{}, data);
}

std::string typeName(Type type) {
  for (const TypeEntry& entry : kTypes) {
    if (entry.type == type) return std::string(entry.name);
  }
  return fmt::format("TYPE{}", static_cast<uint16_t>(type));
}

std::optional<Type> parseType(std::string_view name) {
  for (const TypeEntry& entry : kTypes) {
    if (base::equalsIgnoreCase(entry.name, name)) return entry.type;
  }
  if (!name.starts_with("TYPE")) return std::nullopt;
  auto number = base::parseInt<uint16_t>(name.substr(4));
  return number ? std::optional(static_cast<Type>(*number)) : std::nullopt;
}

void writeRdata(const Rdata& data, std::string& out) {
  WireWriter writer(out);
  visitRdata(data, writer);
}

std::optional<Rdata> readRdata(Type type, std::string_view message, size_t at, size_t size) {
  if (at > message.size() || message.size() - at < size) return std::nullopt;
  Rdata data = emptyOf(type);
  WireReader reader(message, at, size);
  std::visit([&](auto& fields) { visit(fields, reader); }, data);
  return reader.ok() ? std::optional(data) : std::nullopt;
}

std::string renderRecord(const Record& record) {
  TextWriter writer;
  visitRdata(record.data, writer);
  return fmt::format("{} {} IN {}{}", record.name.text(), record.ttl, typeName(typeOf(record.data)), writer.out);
}

std::optional<std::string> parseAddress(std::string_view text) { return base::parseIp(text); }

std::string renderAddress(std::string_view address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.size() != 4 && address.size() != 16) return "?";
  inet_ntop(address.size() == 4 ? AF_INET : AF_INET6, address.data(), text, sizeof text);
  return text;
}

}  // namespace wherry::dns
