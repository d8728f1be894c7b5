// Names and addresses that the operator gives, in the form of hosts(5): they come before whatever resolvers say, not
// before the cluster's own names. Built once, then immutable and safe from any thread; pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/strings.h"
#include "dns/message.h"

namespace wherry::clusterdns {

class HostsTable {
 public:
  // "192.0.2.7 boat.example boat # comment". Lines that are none are passed over and counted.
  struct Parsed {
    size_t entries = 0;
    size_t wrongLines = 0;
  };
  Parsed addText(std::string_view text);
  // False when either is none.
  bool add(std::string_view name, std::string_view address);

  bool empty() const { return names_.empty(); }
  bool knows(std::string_view lowerName) const { return names_.contains(lowerName); }
  // Adds to the response what the name, which it knows, has of the type; nothing of other types (NODATA).
  void write(std::string_view lowerName, dns::Owner owner, dns::Type type, uint32_t ttl,
             dns::ResponseWriter& writer) const;

 private:
  struct Entry {
    std::vector<std::string> addresses;  // 4 or 16 bytes
    std::vector<std::string> names;      // wire form, what an address is called
  };
  Entry& entryOf(const dns::Name& name) { return names_[name.lower().wire()]; }

  std::unordered_map<std::string, Entry, base::StringHash, std::equal_to<>> names_;
};

// "NAME=ADDRESS", as a flag has it. Nothing for anything else.
std::optional<std::pair<std::string, std::string>> parseHostFlag(std::string_view text);

}  // namespace wherry::clusterdns
