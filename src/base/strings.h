// Small text functions that the standard library lacks. Pure; safe from any thread.
#pragma once

#include <charconv>
#include <concepts>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wherry::base {

// "a,b,,c" split at ',' is {"a", "b", "", "c"}; the empty text is {""}. The pieces point into `text`.
std::vector<std::string_view> split(std::string_view text, char separator);
template <std::same_as<std::string> Temporary>
std::vector<std::string_view> split(Temporary&& text, char separator) = delete;  // they would point into what is gone

// Splits at the first separator only; nothing when it does not occur.
std::optional<std::pair<std::string_view, std::string_view>> splitOnce(std::string_view text, char separator);
template <std::same_as<std::string> Temporary>
std::optional<std::pair<std::string_view, std::string_view>> splitOnce(Temporary&& text, char separator) = delete;

std::string join(const std::vector<std::string>& parts, std::string_view separator);

// Without the spaces, tabs, CRs and LFs at both ends.
std::string_view trim(std::string_view text);

std::string toLower(std::string_view text);  // ASCII only
bool equalsIgnoreCase(std::string_view a, std::string_view b);
std::string replaceAll(std::string_view text, std::string_view from, std::string_view to);

// The whole of `text` as a decimal number; nothing when anything else stands in it or it does not fit.
template <typename Int>
std::optional<Int> parseInt(std::string_view text) {
  Int value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

// Lets std::unordered_map<std::string, T, StringHash, std::equal_to<>> be searched with a string_view.
struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

}  // namespace wherry::base
