#include "cli/resolve/cluster_name.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/ip.h"
#include "base/strings.h"

namespace wherry::cli {
namespace {

constexpr long kNdots = 5;

std::string_view withoutDot(std::string_view name) {
  return name.ends_with('.') ? name.substr(0, name.size() - 1) : name;
}

// Labels in front of `domain`; false when the name is not at or below it.
bool splitOff(std::string_view name, std::string_view domain, std::vector<std::string>& labels) {
  if (name == domain) return true;
  if (!name.ends_with("." + std::string(domain))) return false;
  for (std::string_view label : base::split(name.substr(0, name.size() - domain.size() - 1), '.')) {
    labels.emplace_back(label);
  }
  return true;
}

}  // namespace

ClusterName parseClusterName(std::string_view name, std::string_view domain) {
  using Kind = ClusterName::Kind;
  std::string lower = base::toLower(withoutDot(name));
  std::vector<std::string> labels;
  if (!splitOff(lower, base::toLower(withoutDot(domain)), labels)) {
    bool reverse = lower.ends_with(".in-addr.arpa") || lower.ends_with(".ip6.arpa");
    return {reverse ? Kind::kReverse : Kind::kOutside, "", ""};
  }
  if (labels.empty() || (labels.back() != "svc" && labels.back() != "pod")) return {Kind::kDomain, "", ""};
  bool pod = labels.back() == "pod";
  labels.pop_back();
  if (labels.size() < 2) return {Kind::kNamespace, labels.empty() ? "" : labels[0], ""};
  ClusterName parsed{pod ? Kind::kPod : Kind::kService, labels.back(), labels[labels.size() - 2]};
  labels.resize(labels.size() - 2);
  parsed.below = std::move(labels);
  return parsed;
}

std::vector<std::string> searchNames(std::string_view name, std::string_view ns, std::string_view domain) {
  std::string whole = std::string(withoutDot(name)) + ".";
  if (name.ends_with('.')) return {whole};
  std::vector<std::string> names;
  for (const std::string& suffix :
       {fmt::format("{}.svc.{}", ns, domain), fmt::format("svc.{}", domain), std::string(domain)}) {
    names.push_back(whole + suffix + ".");
  }
  // Enough dots: the name as it is goes first.
  names.insert(std::count(name.begin(), name.end(), '.') >= kNdots ? names.begin() : names.end(), whole);
  return names;
}

std::string reverseNameOf(std::string_view address) {
  auto bytes = base::parseIp(address);
  if (!bytes) return "";
  std::string name;
  for (auto byte = bytes->rbegin(); byte != bytes->rend(); ++byte) {
    auto value = static_cast<unsigned char>(*byte);
    name += bytes->size() == 4 ? fmt::format("{}.", value) : fmt::format("{:x}.{:x}.", value & 15, value >> 4);
  }
  return name + (bytes->size() == 4 ? "in-addr.arpa." : "ip6.arpa.");
}

}  // namespace wherry::cli
