// SectionServers: the servers of all sections, and which sections a Service's endpoints touch. A change of one Service
// costs the sections that lead to it, however many others there are. Not thread-safe.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ingress/backend_text.h"
#include "ingress/servers.h"

namespace wherry::ingress {

using Sections = std::map<std::string, Section>;
using ServersBySection = std::map<std::string, Servers>;

class SectionServers {
 public:
  // Of one family, or of whichever there is.
  using EndpointsOf = std::function<std::vector<Endpoint>(const ServicePort&, std::optional<base::IpFamily>)>;
  explicit SectionServers(EndpointsOf endpointsOf) : endpointsOf_(std::move(endpointsOf)) {}

  const ServersBySection& all() const { return all_; }

  // Where the endpoints of the moment go, in all of `sections`. Those that have a place keep it.
  ServersBySection placeAll(const Sections& sections) const;
  // Those of the sections that lead to one of the Services ("namespace/name") and change. REQUIRES: the sections of the
  // last set().
  ServersBySection placeChanged(const Sections& sections, const std::set<std::string>& services) const;
  // Of `servers` those that aren't as they are.
  ServersBySection differing(ServersBySection servers) const;
  // Whether `servers`, of some sections, have as many places as there are.
  bool haveRoomFor(const ServersBySection& servers) const;

  void set(const Sections& sections, ServersBySection servers);
  void update(ServersBySection some);  // of the same sections
  void clear() { set({}, {}); }

 private:
  Servers place(const Section& section) const;

  EndpointsOf endpointsOf_;
  ServersBySection all_;
  std::map<std::string, std::vector<std::string>> byService_;  // names of sections
};

}  // namespace wherry::ingress
