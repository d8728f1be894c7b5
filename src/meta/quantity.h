// Resource quantities: "100m", "1.5Gi", "2e3". Immutable values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wherry::meta {

// A decimal number exact to nano, as Kubernetes defines it (apimachinery's resource.Quantity): finer values are rounded
// up, larger ones than 2^63-1 are capped.
class Quantity {
 public:
  enum class Format { kDecimalSI, kBinarySI, kDecimalExponent };

  Quantity() = default;
  static Quantity ofMilli(int64_t milli);
  static Quantity of(int64_t value, Format format = Format::kDecimalSI);
  static std::optional<Quantity> parse(std::string_view text);

  int64_t value() const;  // in whole units, rounded up
  int64_t milli() const;  // in thousandths, rounded up
  bool negative() const { return nano_ < 0; }
  bool zero() const { return nano_ == 0; }
  // As the API server rounds every entry of a resource list (requests, limits, capacity, quotas).
  Quantity roundedUpToMilli() const;
  std::string text() const;  // canonical: "1500m" for 1.5, "1Gi" for 1073741824 in BinarySI, "0"

  Quantity operator+(const Quantity& other) const;
  Quantity operator-(const Quantity& other) const;
  bool operator==(const Quantity& other) const { return nano_ == other.nano_; }
  auto operator<=>(const Quantity& other) const { return nano_ <=> other.nano_; }

 private:
  __extension__ typedef __int128 Int128;
  Int128 nano_ = 0;
  Format format_ = Format::kDecimalSI;
};

}  // namespace wherry::meta
