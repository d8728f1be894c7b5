// libFuzzer: IP addresses and prefixes as users write them. All who read them agree on what is one, and an address that
// was read is written as a text that stands for it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "apiserver/admission/addresses.h"
#include "base/ip_address.h"
#include "dns/record.h"

namespace apiserver = wherry::apiserver;
namespace base = wherry::base;
namespace dns = wherry::dns;

namespace {

void readAddress(std::string_view text) {
  auto bytes = dns::parseAddress(text);
  if (bytes && dns::parseAddress(dns::renderAddress(*bytes)) != bytes) std::abort();
  auto address = base::IpAddress::parse(text);
  // Refused beside what is none: an IPv4 address in the clothes of IPv6.
  if (address && (!bytes || address->bytes() != *bytes)) std::abort();
  if (address && base::IpAddress::parse(address->text()) != address) std::abort();
  if (address) (void)apiserver::checkUsableIp(text);
}

void readPrefix(std::string_view text) {
  auto prefix = base::IpPrefix::parse(text);
  if (prefix && (base::IpPrefix::parse(prefix->text()) != prefix || !prefix->contains(prefix->last()))) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  readAddress(text);
  readPrefix(text);
  return 0;
}
