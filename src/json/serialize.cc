#include <array>
#include <charconv>
#include <cmath>

#include "json/value.h"

namespace wherry::json {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

// The letter after the backslash for the characters that RFC 8259 section 7 wants escaped; 0 for all others, 'u' for
// those with no letter of their own.
constexpr std::array<char, 256> escapeTable() {
  std::array<char, 256> table{};
  for (size_t i = 0; i < 0x20; ++i) table[i] = 'u';
  table['\b'] = 'b';
  table['\f'] = 'f';
  table['\n'] = 'n';
  table['\r'] = 'r';
  table['\t'] = 't';
  table['"'] = '"';
  table['\\'] = '\\';
  return table;
}
constexpr std::array<char, 256> kEscapes = escapeTable();

void writeText(std::string& out, std::string_view text) {
  out += '"';
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    char escape = kEscapes[byte];
    if (escape == 0) continue;
    out.append(text, begin, i - begin);
    begin = i + 1;
    out += '\\';
    out += escape;
    if (escape == 'u') (out += "00").append({kHexDigits[byte >> 4], kHexDigits[byte & 15]});
  }
  out.append(text, begin, text.size() - begin);
  out += '"';
}

template <typename Number, typename... Format>
void writeNumber(std::string& out, Number number, Format... format) {
  std::array<char, 400> buffer;
  auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, format...);
  out.append(buffer.data(), end);
}

// As short as it can be read back, with an exponent only where Kubernetes writes one.
void writeDouble(std::string& out, double number) {
  double size = std::abs(number);
  if (!std::isfinite(number)) {
    out += "null";  // JSON has no word for it
  } else if (size != 0 && (size < 1e-6 || size >= 1e21)) {
    writeNumber(out, number, std::chars_format::scientific);
    if (size_t zero = out.size() - 2; out.compare(zero - 1, 2, "-0") == 0) out.erase(zero, 1);  // e-07 is e-7
  } else {
    writeNumber(out, number, std::chars_format::fixed);
  }
}

void writeScalar(std::string& out, const Value& value) {
  switch (value.kind()) {
    case Kind::string:
      return writeText(out, value.get_string());
    case Kind::int64:
      return writeNumber(out, value.get_int64());
    case Kind::uint64:
      return writeNumber(out, value.get_uint64());
    case Kind::double_:
      return writeDouble(out, value.get_double());
    case Kind::bool_:
      out += value.get_bool() ? "true" : "false";
      return;
    default:
      out += "null";
  }
}

// Writes compactly when `indent` is negative, else by four spaces for each level.
class Writer {
 public:
  Writer(std::string& out, int indent) : out_(out), indent_(indent) {}

  void write(const Value& value) {
    if (const Object* object = value.if_object()) return writeObject(*object);
    if (const Array* array = value.if_array()) return writeArray(*array);
    writeScalar(out_, value);
  }

 private:
  void writeObject(const Object& object) {
    out_ += '{';
    enter();
    bool first = true;
    for (const auto& member : object) {
      separate(first);
      writeText(out_, member.key());
      out_ += pretty() ? ": " : ":";
      write(member.value());
    }
    leave(object.empty());
    out_ += '}';
  }

  void writeArray(const Array& array) {
    out_ += '[';
    enter();
    bool first = true;
    for (const Value& element : array) {
      separate(first);
      write(element);
    }
    leave(array.empty());
    out_ += ']';
  }

  bool pretty() const { return indent_ >= 0; }
  void enter() {
    if (pretty()) ++indent_;
  }
  void separate(bool& first) {
    if (!first) out_ += ',';
    first = false;
    startLine();
  }
  void leave(bool empty) {
    if (pretty()) --indent_;
    if (!empty) startLine();
  }
  void startLine() {
    if (pretty()) (out_ += '\n').append(static_cast<size_t>(indent_) * 4, ' ');
  }

  std::string& out_;
  int indent_;
};

}  // namespace

std::string serialize(const Value& value) {
  std::string out;
  Writer(out, -1).write(value);
  return out;
}

std::string serializePretty(const Value& value) {
  std::string out;
  Writer(out, 0).write(value);
  return out;
}

}  // namespace wherry::json
