#include "controllers/address_ranges.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "base/ip.h"
#include "base/strings.h"

namespace wherry::controllers {

namespace {

[[noreturn]] void refuse(std::string_view text) {
  throw std::invalid_argument(
      fmt::format("\"{}\" is no address, prefix (192.0.2.0/28) or range (192.0.2.10-192.0.2.20)", text));
}

std::string requireIp(std::string_view address, std::string_view text) {
  auto bytes = base::parseIp(base::trim(address));
  if (!bytes) refuse(text);
  return std::move(*bytes);
}

// Sets all bits after the first `length` to `value`.
std::string withHostBits(std::string bytes, unsigned length, bool value) {
  for (size_t bit = length; bit < bytes.size() * 8; ++bit) {
    const auto mask = static_cast<unsigned char>(0x80U >> (bit % 8));
    auto& byte = reinterpret_cast<unsigned char&>(bytes[bit / 8]);
    byte = static_cast<unsigned char>(value ? byte | mask : byte & ~mask);
  }
  return bytes;
}

bool increment(std::string& bytes) {
  for (auto at = bytes.rbegin(); at != bytes.rend(); ++at) {
    *at = static_cast<char>(static_cast<unsigned char>(*at) + 1);
    if (*at != 0) return true;
  }
  return false;
}

// Bytes compare as the numbers that they are.
bool notAbove(const std::string& a, const std::string& b) {
  return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end(), [](char left, char right) {
           return static_cast<unsigned char>(left) <=> static_cast<unsigned char>(right);
         }) <= 0;
}

}  // namespace

AddressRanges::Range AddressRanges::parseRange(std::string_view text) {
  if (auto prefix = base::splitOnce(text, '/')) {
    auto bytes = requireIp(prefix->first, text);
    const auto length = base::parseInt<unsigned>(prefix->second);
    if (!length || *length > bytes.size() * 8) refuse(text);
    return {withHostBits(bytes, *length, false), withHostBits(bytes, *length, true)};
  }
  const auto dash = base::splitOnce(text, '-');
  Range range{requireIp(dash ? dash->first : text, text), requireIp(dash ? dash->second : text, text)};
  if (range.first.size() != range.last.size() || !notAbove(range.first, range.last)) refuse(text);
  return range;
}

AddressRanges AddressRanges::parse(std::string_view text) {
  AddressRanges all;
  for (auto part : base::split(text, ',')) {
    part = base::trim(part);
    if (!part.empty()) all.ranges_.push_back(parseRange(part));
  }
  return all;
}

std::vector<std::pair<std::string, std::string>> AddressRanges::ends() const {
  std::vector<std::pair<std::string, std::string>> ends;
  for (const auto& range : ranges_) ends.emplace_back(base::formatIp(range.first), base::formatIp(range.last));
  return ends;
}

bool AddressRanges::contains(std::string_view address) const {
  const auto bytes = base::parseIp(address);
  return bytes && std::any_of(ranges_.begin(), ranges_.end(), [&](const Range& range) {
           return range.first.size() == bytes->size() && notAbove(range.first, *bytes) && notAbove(*bytes, range.last);
         });
}

std::optional<std::string> AddressRanges::firstFree(size_t length, const std::set<std::string>& taken) const {
  for (const auto& range : ranges_) {
    if (range.first.size() != length) continue;
    auto at = range.first;
    do {
      auto address = base::formatIp(at);
      if (!taken.contains(address)) return address;
    } while (at != range.last && increment(at));
  }
  return std::nullopt;
}

}  // namespace wherry::controllers
