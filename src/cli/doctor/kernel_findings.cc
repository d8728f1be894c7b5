#include <fmt/format.h>

#include "cli/doctor/findings.h"
#include "cli/doctor/phrases.h"

namespace wherry::cli {
namespace {

constexpr std::string_view kProxyName = "service.kubernetes.io/service-proxy-name";

std::string textsOf(const json::Value& port, std::string_view key) {
  std::vector<std::string> texts;
  const json::Value* list = json::find(port, key);
  if (list && list->is_array()) {
    for (const json::Value& text : list->get_array()) texts.emplace_back(text.is_string() ? text.get_string() : "?");
  }
  return texts.empty() ? "nobody" : listed(texts);
}

std::string nameOf(const json::Value& port) {
  std::string_view address = json::getString(port, "address"), protocol = json::getString(port, "protocol");
  int64_t number = json::getInt(port, "port");
  std::string at = address.empty() ? fmt::format("node port {}", number) : atPort(address, number);
  bool outside = json::getString(port, "clients") == "outside";
  return fmt::format("{}/{}{}", at, protocol, outside ? " from outside" : "");
}

bool sameLists(const json::Value& port) {
  const json::Value *found = json::find(port, "endpoints"), *wanted = json::find(port, "wanted");
  return found && wanted && json::equal(*found, *wanted);
}

Finding findingOf(const json::Value& port) {
  std::string name = nameOf(port), found = textsOf(port, "endpoints"), wanted = textsOf(port, "wanted");
  std::string_view state = json::getString(port, "state");
  if (state == "unknown") return {"nftables", Level::kFail, fmt::format("nftables has nothing of {}", name)};
  if (state == "torn")
    return {"nftables", Level::kFail, fmt::format("no rule of nftables leads {} to its endpoints", name)};
  if (!sameLists(port)) {
    return {"nftables", Level::kFail, fmt::format("nftables leads {} to {}, not to {}", name, found, wanted)};
  }
  if (state == "leads") return {"nftables", Level::kOk, fmt::format("{} leads to {}", name, found)};
  return {
      "nftables", Level::kNote,
      fmt::format("{} has no endpoints: {}", name, state == "drops" ? "packets are dropped" : "clients are refused")};
}

}  // namespace

void addKernelFindings(const ServiceFacts& facts, Findings& findings) {
  if (clusterIps(facts.service).empty() || isExternalName(facts.service)) return;
  if (std::string_view failure = failureOf(facts.kernel); !failure.empty()) {
    findings.push_back({"nftables", Level::kNote, fmt::format("it can't be read: {}", failure)});
    return;
  }
  const json::Value* ports = json::find(facts.kernel, "ports");
  if (!ports || !ports->is_array()) return;
  std::string_view other = facts.service.metadata().label(kProxyName);
  if (!other.empty()) {
    findings.push_back({"nftables", Level::kNote, fmt::format("the Service is left to another proxy, {}", other)});
  } else if (servedByNode(facts)) {
    findings.push_back({"nftables", Level::kNote, "the cluster IP is this node's own address: no rule is needed"});
  }
  for (const json::Value& port : ports->get_array()) findings.push_back(findingOf(port));
}

}  // namespace wherry::cli
