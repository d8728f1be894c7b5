// libFuzzer: IP addresses and prefixes as users write them. All who read them agree on what is one, and an address that
// was read is written as a text that stands for it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "apiserver/admission/addresses.h"
#include "dns/record.h"
#include "linux/ipv4.h"
#include "meta/names.h"

namespace apiserver = wherry::apiserver;
namespace dns = wherry::dns;
namespace linux = wherry::linux;

namespace {

void readAddress(std::string_view text) {
  auto bytes = dns::parseAddress(text);
  if (bytes && dns::parseAddress(dns::renderAddress(*bytes)) != bytes) std::abort();
  if (wherry::meta::checkIp(text).empty() != bytes.has_value()) std::abort();
  auto family = apiserver::familyOf(text);
  if (family.has_value() != bytes.has_value()) std::abort();
  bool v4 = bytes && bytes->size() == 4;
  if (family && (*family == apiserver::IpFamily::kIPv4) != v4) std::abort();
  auto address = linux::Ipv4Address::parse(text);
  if (address.has_value() != v4 || (address && address->text() != dns::renderAddress(*bytes))) std::abort();
  if (bytes) (void)apiserver::checkUsableIp(text);
}

void readPrefix(std::string_view text) {
  auto prefix = apiserver::IpPrefix::parse(text);
  if (prefix && prefix->strictlyContains(*prefix)) std::abort();
  auto v4 = linux::Ipv4Prefix::parse(text);
  if (!v4) return;
  if (!prefix || linux::Ipv4Prefix::parse(v4->text()) != v4 || !v4->contains(v4->address)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  readAddress(text);
  readPrefix(text);
  return 0;
}
