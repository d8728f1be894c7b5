// What frontends of a port have in common: where they listen, and which of their clients pods see. Pure.
#pragma once

#include <map>
#include <string>

#include "ingress/backend_text.h"
#include "ingress/config_text.h"
#include "ingress/routing.h"

namespace wherry::ingress {

// Names, in a frontend, for the clients of each family whom some of the port's pods can see under their own address.
class PreservedClients {
 public:
  PreservedClients(const Port& port, const Settings& settings, ConfigText& text);

  // By family: what holds for them.
  const std::map<base::IpFamily, std::string>& conditions() const { return conditions_; }

 private:
  std::map<base::IpFamily, std::string> conditions_;
};

// `words` stand behind each address: " ssl ...".
void renderBinds(const Port& port, const Settings& settings, const std::string& words, ConfigText& text);

}  // namespace wherry::ingress
