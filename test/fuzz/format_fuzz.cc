// libFuzzer: the syntax rules for names and labels, and the formats that a CustomResourceDefinition may name. What is a
// right name has no character that means something in a path, a line or a C string.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "meta/names.h"
#include "schema/formats.h"

namespace meta = wherry::meta;

namespace {

using Check = std::vector<std::string> (*)(std::string_view);

constexpr Check kNames[] = {meta::checkDns1123Label, meta::checkDns1123Subdomain, meta::checkDns1035Label,
                            meta::checkPortName,     meta::checkConfigMapKey,     meta::checkLabelValue};
constexpr std::string_view kPlain[] = {"ipv4", "ipv6", "cidr", "date", "date-time", "hostname", "uuid"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  bool plain = text.find_first_of(std::string_view("\0\n\r", 3)) == std::string_view::npos;
  for (Check check : kNames) {
    bool safe = plain && text.find('/') == std::string_view::npos && text != "." && text != "..";
    if (check(text).empty() && !safe) std::abort();
  }
  if (meta::checkPathSegment(text).empty() && text.find('/') != std::string_view::npos) std::abort();
  if (meta::checkQualifiedName(text).empty() && !plain) std::abort();
  if (meta::checkEnvName(text).empty() && !plain) std::abort();  // a slash may stand in it
  bool label = meta::checkDns1123Label(text).empty();
  if (label && !meta::checkDns1123Subdomain(text).empty()) std::abort();
  for (std::string_view format : kPlain) {
    if (wherry::schema::hasFormat(format, text) && !plain) std::abort();
  }
  for (std::string_view format : {"byte", "duration", "email", "uri"}) (void)wherry::schema::hasFormat(format, text);
  return 0;
}
