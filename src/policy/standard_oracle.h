// What Kubernetes' documentation says of NetworkPolicies, asked for one packet after the other of the objects as they
// are written. It shares nothing with the code that it judges but the JSON tree. For tests.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>

#include <arpa/inet.h>

#include "json/value.h"
#include "linux/nft/tracer.h"

namespace wherry::policy {

class StandardOracle {
 public:
  std::map<std::string, json::Value> policies;
  std::map<std::string, json::Value> namespaces;  // labels

  void pod(const std::string& key, const std::optional<json::Value>& object) {
    Pod next{object.value_or(json::Value()), {}};
    for (const std::string& address : addressesOf(next.object)) {
      auto before = pods_[key].since.find(address);
      next.since[address] = before == pods_[key].since.end() ? ++time_ : before->second;
    }
    pods_[key] = next;
  }
  std::string podsText() const {
    std::string all;
    for (const auto& [key, pod] : pods_) all += json::serialize(pod.object) + "\n";
    return all;
  }

  // `ownPods`: begins of the addresses of this node's pods, which are judged here; others by their own nodes.
  bool allows(const linux::nft::Packet& packet, const std::string& ownPods) const {
    const std::string source = packet.source.text(), destination = packet.destination.text();
    const json::Value *from = podAt(source), *to = podAt(destination);
    bool fromHere = source.starts_with(ownPods), toHere = destination.starts_with(ownPods);
    if ((fromHere && !from) || (toHere && !to)) return false;
    if (from && from == to) return true;
    const Sent sent{from, to, source, destination, packet.protocol, packet.destinationPort};
    return (!fromHere || lets("Egress", *from, sent)) && (!toHere || lets("Ingress", *to, sent));
  }

 private:
  struct Sent {
    const json::Value *from, *to;
    std::string source, destination;
    int protocol;
    int port;
  };

  struct Pod {
    json::Value object;
    std::map<std::string, int> since;  // when it got its addresses
  };

  // None of one that is on the node's network, or has ended.
  static std::vector<std::string> addressesOf(const json::Value& pod) {
    auto phase = json::getString(pod, "status.phase");
    const json::Value* ips = json::find(pod, "status.podIPs");
    if (!ips || json::getBool(pod, "spec.hostNetwork") || phase == "Succeeded" || phase == "Failed") return {};
    std::vector<std::string> all;
    for (const json::Value& ip : ips->as_array()) all.emplace_back(json::getString(ip, "ip"));
    return all;
  }

  // Who has the address now: of two, one that is not about to go, and of those the one that got it last.
  const json::Value* podAt(const std::string& address) const {
    const json::Value* found = nullptr;
    int foundSince = 0;
    auto goes = [](const json::Value& pod) { return json::find(pod, "metadata.deletionTimestamp") != nullptr; };
    for (const auto& [key, pod] : pods_) {
      auto since = pod.since.find(address);
      if (since == pod.since.end()) continue;
      bool better = !found || (goes(*found) && !goes(pod.object)) ||
                    (goes(*found) == goes(pod.object) && foundSince < since->second);
      if (!better) continue;
      found = &pod.object;
      foundSince = since->second;
    }
    return found;
  }

  static bool selects(const json::Value& selector, const json::Value& labels) {
    auto label = [&](std::string_view key) { return labels.as_object().if_contains(key); };
    if (const json::Value* equal = json::find(selector, "matchLabels")) {
      for (const auto& [key, value] : equal->as_object()) {
        const json::Value* has = label(key);
        if (!has || *has != value) return false;
      }
    }
    const json::Value* expressions = json::find(selector, "matchExpressions");
    for (const json::Value& each : expressions ? expressions->as_array() : json::Array()) {
      const json::Value* has = label(json::getString(each, "key"));
      auto op = json::getString(each, "operator");
      bool listed = false;
      const json::Value* values = json::find(each, "values");
      for (const json::Value& value : values ? values->as_array() : json::Array()) {
        listed = listed || (has && *has == value);
      }
      bool holds = op == "In" ? listed : op == "NotIn" ? !listed : op == "Exists" ? has != nullptr : has == nullptr;
      if (!holds) return false;
    }
    return true;
  }

  static std::string_view nsOf(const json::Value& object) { return json::getString(object, "metadata.namespace"); }
  static json::Value labelsOf(const json::Value& object) {
    const json::Value* labels = json::find(object, "metadata.labels");
    return labels ? *labels : json::Value(json::Object());
  }

  static bool speaksOf(const json::Value& policy, const std::string& direction) {
    const json::Value* types = json::find(policy, "spec.policyTypes");
    if (!types || types->as_array().empty()) {
      const json::Value* egress = json::find(policy, "spec.egress");
      return direction == "Ingress" || (egress && !egress->as_array().empty());
    }
    for (const json::Value& type : types->as_array()) {
      if (type.as_string() == direction) return true;
    }
    return false;
  }

  bool lets(const std::string& direction, const json::Value& pod, const Sent& sent) const {
    bool isolated = false;
    for (const auto& [key, policy] : policies) {
      if (nsOf(policy) != nsOf(pod) || !speaksOf(policy, direction)) continue;
      const json::Value* selector = json::find(policy, "spec.podSelector");
      if (selector && !selects(*selector, labelsOf(pod))) continue;
      isolated = true;
      const json::Value* rules = json::find(policy, direction == "Ingress" ? "spec.ingress" : "spec.egress");
      for (const json::Value& rule : rules ? rules->as_array() : json::Array()) {
        if (meansPeer(rule, direction, policy, sent) && meansPort(rule, sent)) return true;
      }
    }
    return !isolated;
  }

  bool meansPeer(const json::Value& rule, const std::string& direction, const json::Value& policy,
                 const Sent& sent) const {
    bool in = direction == "Ingress";
    const json::Value* peers = json::find(rule, in ? "from" : "to");
    if (!peers || peers->as_array().empty()) return true;
    const json::Value* pod = in ? sent.from : sent.to;
    for (const json::Value& peer : peers->as_array()) {
      if (const json::Value* block = json::find(peer, "ipBlock")) {
        if (isInBlock(in ? sent.source : sent.destination, *block)) return true;
        continue;
      }
      const json::Value *labels = json::find(peer, "podSelector"), *spaces = json::find(peer, "namespaceSelector");
      if (!pod || (labels && !selects(*labels, labelsOf(*pod)))) continue;
      if (!spaces && nsOf(*pod) == nsOf(policy)) return true;
      if (!spaces) continue;
      auto known = namespaces.find(std::string(nsOf(*pod)));
      if (selects(*spaces, known == namespaces.end() ? json::Value(json::Object()) : known->second)) return true;
    }
    return false;
  }

  // A name is that of a port of the pod that is sent to.
  static bool hasNamed(const json::Value* pod, std::string_view name, std::string_view protocol, int port) {
    if (!pod) return false;
    for (const char* list : {"spec.containers", "spec.initContainers"}) {
      const json::Value* containers = json::find(*pod, list);
      for (const json::Value& container : containers ? containers->as_array() : json::Array()) {
        bool isSidecar = json::getString(container, "restartPolicy") == "Always";
        if (std::string_view(list) == "spec.initContainers" && !isSidecar) continue;
        const json::Value* ports = json::find(container, "ports");
        for (const json::Value& each : ports ? ports->as_array() : json::Array()) {
          if (json::getString(each, "name") == name && json::getString(each, "protocol", "TCP") == protocol &&
              json::getInt(each, "containerPort") == port) {
            return true;
          }
        }
      }
    }
    return false;
  }

  static bool meansPort(const json::Value& rule, const Sent& sent) {
    const json::Value* ports = json::find(rule, "ports");
    if (!ports || ports->as_array().empty()) return true;
    for (const json::Value& each : ports->as_array()) {
      auto protocol = json::getString(each, "protocol", "TCP");
      int number = protocol == "UDP" ? 17 : protocol == "SCTP" ? 132 : 6;
      if (number != sent.protocol) continue;
      const json::Value* port = json::find(each, "port");
      if (!port) return true;
      if (port->is_string()) {
        if (hasNamed(sent.to, port->as_string(), protocol, sent.port)) return true;
        continue;
      }
      int64_t first = port->as_int64();
      if (first <= sent.port && sent.port <= json::getInt(each, "endPort", first)) return true;
    }
    return false;
  }

  static bool isInBlock(const std::string& address, const json::Value& block) {
    if (!isIn(address, std::string(json::getString(block, "cidr")))) return false;
    const json::Value* except = json::find(block, "except");
    for (const json::Value& hole : except ? except->as_array() : json::Array()) {
      if (isIn(address, std::string(hole.as_string()))) return false;
    }
    return true;
  }
  static bool isIn(const std::string& address, const std::string& cidr) {
    size_t slash = cidr.find('/');
    int family = address.find(':') == std::string::npos ? AF_INET : AF_INET6;
    std::array<unsigned char, 16> a{}, b{};
    if (::inet_pton(family, address.c_str(), a.data()) != 1) return false;
    if (::inet_pton(family, cidr.substr(0, slash).c_str(), b.data()) != 1) return false;
    for (size_t bit = 0; bit < std::stoul(cidr.substr(slash + 1)); ++bit) {
      if (((a[bit / 8] ^ b[bit / 8]) >> (7 - bit % 8)) & 1) return false;
    }
    return true;
  }

  std::map<std::string, Pod> pods_;
  int time_ = 0;
};

}  // namespace wherry::policy
