#include "ingress/section_servers.h"

#include <algorithm>

#include <fmt/format.h>

namespace wherry::ingress {
namespace {

std::string serviceOf(const Share& share) { return fmt::format("{}/{}", share.target.nameSpace, share.target.service); }

}  // namespace

Servers SectionServers::place(const Section& section) const {
  Endpoints endpoints;
  for (const Share& share : section.backend.shares) {
    endpoints[share.target] = endpointsOf_(share.target, section.preserved);
  }
  auto before = all_.find(section.name);
  return placeServers(before == all_.end() ? Servers() : before->second, wantedServers(section.backend, endpoints));
}

ServersBySection SectionServers::placeAll(const Sections& sections) const {
  ServersBySection servers;
  for (const auto& [name, section] : sections) servers[name] = place(section);
  return servers;
}

ServersBySection SectionServers::placeChanged(const Sections& sections, const std::set<std::string>& services) const {
  ServersBySection servers;
  for (const std::string& service : services) {
    auto touched = byService_.find(service);
    if (touched == byService_.end()) continue;
    for (const std::string& name : touched->second) {
      if (!servers.contains(name)) servers[name] = place(sections.at(name));
    }
  }
  return differing(std::move(servers));
}

ServersBySection SectionServers::differing(ServersBySection servers) const {
  std::erase_if(servers, [&](const auto& each) {
    auto now = all_.find(each.first);
    return now != all_.end() && now->second == each.second;
  });
  return servers;
}

bool SectionServers::haveRoomFor(const ServersBySection& servers) const {
  return std::all_of(servers.begin(), servers.end(), [&](const auto& each) {
    auto now = all_.find(each.first);
    return now != all_.end() && now->second.size() == each.second.size();
  });
}

void SectionServers::set(const Sections& sections, ServersBySection servers) {
  all_ = std::move(servers);
  byService_.clear();
  for (const auto& [name, section] : sections) {
    for (const Share& share : section.backend.shares) byService_[serviceOf(share)].push_back(name);
  }
}

void SectionServers::update(ServersBySection some) {
  for (auto& [name, servers] : some) all_[name] = std::move(servers);
}

}  // namespace wherry::ingress
