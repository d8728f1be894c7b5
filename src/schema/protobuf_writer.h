// Writes protocol buffer messages (proto3 wire format). Not thread-safe.
//
//   ProtobufWriter message;
//   message.text(1, "2.0");
//   message.message(2, [&](ProtobufWriter& info) { info.text(1, "Kubernetes"); });
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace wherry::schema {

class ProtobufWriter {
 public:
  void text(uint32_t field, std::string_view value) {
    varint(field << 3 | kBytes);
    varint(value.size());
    out_ += value;
  }

  void boolean(uint32_t field, bool value) { integer(field, value ? 1 : 0); }

  void integer(uint32_t field, int64_t value) {
    varint(field << 3 | kVarint);
    varint(static_cast<uint64_t>(value));
  }

  void number(uint32_t field, double value) {
    varint(field << 3 | kFixed64);
    uint64_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    for (int shift = 0; shift < 64; shift += 8) out_ += static_cast<char>(bits >> shift & 0xff);
  }

  // A nested message, which `write` fills.
  template <typename F>
  void message(uint32_t field, F write) {
    ProtobufWriter nested;
    write(nested);
    text(field, nested.out_);
  }

  std::string take() { return std::move(out_); }

 private:
  enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2 };

  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_ += static_cast<char>(value | 0x80);
    out_ += static_cast<char>(value);
  }

  std::string out_;
};

}  // namespace wherry::schema
