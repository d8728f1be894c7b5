#include "ingress/withdrawals.h"

#include <algorithm>
#include <iterator>

namespace wherry::ingress {
namespace {

const Answer kUnavailable{503, "", ""};

bool withdraw(Model& model, const Origin& culprit) {
  bool found = false;
  for (auto& [number, port] : model.ports) {
    auto isGuilty = [&](const auto& each) { return each.origin == culprit; };
    auto hasAnswered = [&](const Route& route) { return isGuilty(route) && route.to.answer == kUnavailable; };
    size_t dropped = std::erase_if(port.routes, hasAnswered) + std::erase_if(port.passthroughs, isGuilty);
    found = found || dropped > 0;
    for (Route& route : port.routes) {
      if (!isGuilty(route)) continue;
      route.to = Backend();
      route.to.answer = kUnavailable;
      found = true;
    }
  }
  return found;
}

bool isSame(const Model& a, const Model& b) {
  return std::ranges::equal(a.ports, b.ports, [](const auto& x, const auto& y) {
    return x.first == y.first && x.second.tls == y.second.tls && x.second.routes == y.second.routes &&
           x.second.passthroughs == y.second.passthroughs;
  });
}

}  // namespace

Model partOf(const Model& model, const Origin& origin) {
  Model part;
  for (const auto& [number, port] : model.ports) {
    Port own{.number = number, .tls = port.tls, .routes = {}, .certificates = {}, .passthroughs = {}};
    auto isOwn = [&](const auto& each) { return each.origin == origin; };
    std::ranges::copy_if(port.routes, std::back_inserter(own.routes), isOwn);
    std::ranges::copy_if(port.passthroughs, std::back_inserter(own.passthroughs), isOwn);
    if (!own.routes.empty() || !own.passthroughs.empty()) part.ports.emplace(number, std::move(own));
  }
  return part;
}

std::vector<Complaint> Withdrawals::apply(Model& model) {
  std::vector<Complaint> complaints;
  std::erase_if(all_, [&](const auto& each) { return !isSame(each.second.asked, partOf(model, each.first)); });
  for (const auto& [origin, withdrawn] : all_) {
    for (int i = 0; i < withdrawn.times; ++i) withdraw(model, origin);
    complaints.push_back({origin, "RefusedByHAProxy", withdrawn.words});
  }
  return complaints;
}

bool Withdrawals::add(Model& model, const Model& asked, const Origin& culprit, const std::string& words) {
  if (!withdraw(model, culprit)) return false;
  const auto [at, isNew] = all_.try_emplace(culprit, Withdrawn{partOf(asked, culprit), 0, words});
  ++at->second.times;
  return true;
}

}  // namespace wherry::ingress
