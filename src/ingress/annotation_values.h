// What the values of annotations may say. Each reader answers nothing when the text is something else; none lets a
// control character through. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wherry::ingress {

std::optional<bool> readBool(std::string_view text);       // as Go's ParseBool: "true", "1", "F", ...
std::optional<bool> readSwitch(std::string_view text);     // "on" and "off", or readBool's
std::optional<uint64_t> readSize(std::string_view text);   // bytes as nginx writes them: "512", "8m", "1G"
std::optional<uint32_t> readCount(std::string_view text);  // up to 10^9
// "10.0.0.0/8, fd00::1": a list of networks and addresses, in their canonical form; never empty.
std::optional<std::vector<std::string>> readCidrs(std::string_view text);
// "a, b": the pieces without spaces around them; empty ones are left out.
std::vector<std::string> readList(std::string_view text);

bool isToken(std::string_view text);       // RFC 9110 section 5.6.2: names of headers, methods, cookies
bool isPlainName(std::string_view text);   // of those, letters, digits and "-_.~": names that requests are looked at by
bool isHeaderText(std::string_view text);  // printable ASCII and spaces
bool isUriText(std::string_view text);     // printable ASCII without spaces
// "a.example.com" and, where it may have one, "*.example.com"; lower case.
enum class Wildcard { kNone, kFirstLabel };
bool isHostName(std::string_view text, Wildcard wildcard = Wildcard::kNone);
// A name or an address, perhaps with ":port".
bool isAuthority(std::string_view text);
// "https://a.example.com:8443", "http://*.example.com"
bool isOrigin(std::string_view text);

// RE2's dialect, of which HAProxy's (PCRE) understands every expression; expressions that look around are none of it.
// So many groups to be referred to; nothing when it can't be read.
std::optional<int> groupsOf(const std::string& expression);

// For messages: shortened, with nothing unprintable; and so in quotes.
std::string printable(std::string_view text);
std::string quoted(std::string_view text);

}  // namespace wherry::ingress
