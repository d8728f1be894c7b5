#include "policy/isolation.h"

#include <random>

#include <gtest/gtest.h>
#include <netinet/in.h>

#include "linux/nft/render.h"
#include "linux/nft/tracer.h"
#include "policy/block_ranges.h"
#include "policy/ruleset.h"
#include "policy/test_cluster.h"

namespace wherry::policy {
namespace {

namespace nft = linux::nft;

std::string added(const nft::ElementChanges::Change& change) { return change.after ? "add " : "delete "; }

// "add peers3 10.244.0.9, goto in4" and the like, one a line.
std::string text(const ContentChange& change) {
  std::string out;
  for (const nft::Set& set : change.newSets) out += "set " + set.name + "\n";
  for (const nft::Chain& chain : change.newChains) out += "chain " + chain.name + "\n";
  for (const auto& [element, value] : change.elements) {
    nft::Type type(element.key.bytes().size() / 4, nft::FieldType::kAddress);
    out += added(value) + element.set + " " + renderData(type, element.key) + "\n";
  }
  for (const auto& [element, decision] : change.decisions) {
    out += element.set + " " + renderData({nft::FieldType::kAddress}, element.key) + ": ";
    out += (decision.before ? nft::renderStatement(*decision.before) : "nothing") + ", now ";
    out += (decision.after ? nft::renderStatement(*decision.after) : "nothing") + "\n";
  }
  for (const std::string& name : change.goneChains) out += "no chain " + name + "\n";
  for (const std::string& name : change.goneSets) out += "no set " + name + "\n";
  return out;
}

constexpr const char* kFromWeb =
    "{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {matchLabels: "
    "{app: web}}}]}]}";

TEST(Isolation, APodThatIsAsOthersAreIsAFewElements) {
  TestCluster cluster;
  cluster.policy("boats/p", kFromWeb);
  cluster.pod("boats/web", "{app: web}", "10.244.0.1");
  EXPECT_EQ(text(cluster.change()),
            "add peers2 10.244.0.1\negress 10.244.0.1: nothing, now return\ningress 10.244.0.1: nothing, now return\n");
  cluster.pod("boats/db", "{app: db}", "10.244.0.2");
  EXPECT_EQ(text(cluster.change()),
            "chain in3\nadd itself 10.244.0.2 . 10.244.0.2\negress 10.244.0.2: nothing, now return\n"
            "ingress 10.244.0.2: nothing, now goto in3\n");
  cluster.pod("boats/db2", "{app: db}", "10.244.0.3");
  EXPECT_EQ(text(cluster.change()),
            "add itself 10.244.0.3 . 10.244.0.3\negress 10.244.0.3: nothing, now return\n"
            "ingress 10.244.0.3: nothing, now goto in3\n");
  cluster.pod("boats/db2", "{app: db, version: new}", "10.244.0.3");
  EXPECT_EQ(text(cluster.change()), "");
  cluster.pod("boats/db2", "{app: web}", "10.244.0.3");
  EXPECT_EQ(text(cluster.change()),
            "delete itself 10.244.0.3 . 10.244.0.3\nadd peers2 10.244.0.3\n"
            "ingress 10.244.0.3: goto in3, now return\n");
}

TEST(Isolation, APolicyThatChangesIsANewChainForItsPods) {
  TestCluster cluster;
  cluster.policy("boats/p", kFromWeb);
  cluster.pod("boats/db", "{app: db}", "10.244.0.2");
  cluster.policy("boats/p",
                 "{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], ingress: [{from: [{podSelector: "
                 "{matchLabels: {app: web}}}], ports: [{port: 80, protocol: TCP}]}]}");
  EXPECT_EQ(text(cluster.change()),
            "set ports6\nchain in5\ningress 10.244.0.2: goto in3, now goto in5\nno chain in3\n");
}

TEST(Isolation, OfPoliciesThatAreGoneNothingIsLeft) {
  TestCluster cluster;
  cluster.pod("boats/db", "{app: db}", "10.244.0.2");
  nft::Table before = wholeTable(cluster.content(), cluster.ownPods());
  cluster.policy("boats/p", kFromWeb);
  cluster.policy("boats/q", R"({podSelector: {}, policyTypes: [Egress], egress: [
      {to: [{namespaceSelector: {}}, {ipBlock: {cidr: 192.0.2.0/24}}], ports: [{port: 80, protocol: TCP}]},
      {ports: [{port: http, protocol: TCP}]}]})");
  EXPECT_NE(renderTable(before), renderTable(wholeTable(cluster.content(), cluster.ownPods())));
  cluster.policy("boats/q", "");
  cluster.policy("boats/p", "");
  EXPECT_EQ(renderTable(before), renderTable(wholeTable(cluster.content(), cluster.ownPods())));
}

TEST(Isolation, BlocksBeyondWhatOnePodMayHaveAreLeftOut) {
  std::vector<std::pair<IpBlock, PortSet>> blocks;
  for (uint32_t i = 0; i < 100; ++i) {
    blocks.push_back({{base::IpPrefix::single(base::IpAddress::ipv4(0x0a000000 + 2 * i)), {}}, PortSet::everything()});
  }
  EXPECT_EQ(flattenBlocks(blocks, base::IpFamily::kIPv4).ranges.size(), 100U);
  BlockRanges cut = flattenBlocks(blocks, base::IpFamily::kIPv4, 50);
  EXPECT_TRUE(cut.cut);
  EXPECT_EQ(cut.ranges.size(), 25U);
}

// What the documentation says a policy is, asked for one packet after the other: the table must say the same after any
// changes in any order.
class Oracle {
 public:
  std::map<std::string, NetworkPolicy> policies;
  std::map<std::string, PodFacts> pods;
  std::map<std::string, json::Object> namespaces;

  bool allows(const nft::Packet& packet) const {
    const PodFacts *from = find(packet.source), *to = find(packet.destination);
    if (from && from == to) return true;
    return allows(Direction::kEgress, from, to, packet) && allows(Direction::kIngress, to, from, packet);
  }

 private:
  const PodFacts* find(const base::IpAddress& address) const {
    for (const auto& [key, pod] : pods) {
      if (pod.addresses.front() == address) return &pod;
    }
    return nullptr;
  }
  bool allows(Direction direction, const PodFacts* pod, const PodFacts* peer, const nft::Packet& packet) const {
    if (!pod) return true;
    bool isolated = false;
    for (const auto& [key, policy] : policies) {
      if (policy.ns != pod->ns || !policy.rules(direction) || !policy.pods.matches(pod->labels())) continue;
      isolated = true;
      for (const PolicyRule& rule : *policy.rules(direction)) {
        const PodFacts* target = direction == Direction::kIngress ? pod : peer;
        bool port = false;
        for (const PortRange& range : rule.ports.resolved(target ? target->ports : NamedPorts()).ranges()) {
          port = port || (range.firstProtocol <= packet.protocol && packet.protocol <= range.lastProtocol &&
                          range.first <= packet.destinationPort && packet.destinationPort <= range.last);
        }
        if (port && means(rule, peer, direction == Direction::kIngress ? packet.source : packet.destination)) {
          return true;
        }
      }
    }
    return !isolated;
  }
  bool means(const PolicyRule& rule, const PodFacts* peer, const base::IpAddress& address) const {
    for (const IpBlock& block : rule.blocks) {
      bool in = block.cidr.contains(address);
      for (const base::IpPrefix& except : block.except) in = in && !except.contains(address);
      if (in) return true;
    }
    for (const PeerSelector& selector : rule.peers) {
      if (!peer || !selector.pods.matches(peer->labels())) continue;
      if (!selector.namespaces && peer->ns == selector.ns) return true;
      if (!selector.namespaces) continue;
      auto found = namespaces.find(peer->ns);
      if (selector.namespaces->matches(found == namespaces.end() ? json::Object() : found->second)) return true;
    }
    return false;
  }
};

class RandomCluster {
 public:
  explicit RandomCluster(unsigned seed)
      : random_(seed), isolation_(base::IpFamily::kIPv4, *base::IpPrefix::parse("10.244.0.0/24")) {}

  void change() {
    switch (draw(4)) {
      case 0:
        return changePolicy();
      case 1:
        return changeNamespace();
      default:
        return changePod();
    }
  }

  // Some packet between pods, or pods and others; and whether table and documentation agree about it.
  void check(const nft::Table& table) {
    static constexpr uint16_t kPorts[] = {80, 81, 82, 443};
    nft::Packet packet{.source = address(),
                       .destination = address(),
                       .protocol = static_cast<uint8_t>(draw(4) == 0 ? IPPROTO_UDP : IPPROTO_TCP),
                       .destinationPort = kPorts[draw(4)],
                       .inputInterface = "wh0"};
    auto outcome = nft::Tracer({table}, {}).trace(packet).outcome;
    EXPECT_EQ(outcome == nft::Trace::Outcome::kAccept, oracle_.allows(packet))
        << packet.source.text() << " to " << packet.destination.text() << " " << int{packet.protocol} << ":"
        << packet.destinationPort << "\n"
        << renderTable(table);
  }
  nft::Table table() {
    replay(isolation_.settle());
    return wholeTable(isolation_.content(), *base::IpPrefix::parse("10.244.0.0/24"));
  }
  // What the changes have made of the elements of sets, as the kernel is told of them.
  void expectReplayed(const nft::Table& table) const {
    for (const nft::Set& set : table.sets) {
      if (set.ranges) continue;
      auto found = replayed_.find(set.name);
      EXPECT_EQ(set.elements, found == replayed_.end() ? std::set<Data>() : found->second) << set.name;
    }
  }

 private:
  unsigned draw(unsigned below) { return std::uniform_int_distribution<unsigned>(0, below - 1)(random_); }
  std::string label() { return draw(3) == 0 ? "{}" : fmt::format("{{app: \"{}\"}}", draw(3)); }
  std::string ns() { return fmt::format("n{}", draw(3)); }
  // Of a pod that there is, or from outside.
  base::IpAddress address() {
    std::vector<base::IpAddress> all = {ip("192.0.2.9"), ip("198.51.100.1")};
    for (const auto& [key, pod] : oracle_.pods) all.push_back(pod.addresses.front());
    return all[draw(static_cast<unsigned>(all.size()))];
  }

  void replay(const ContentChange& change) {
    for (const nft::Set& set : change.newSets) replayed_[set.name] = set.elements;
    for (const auto& [element, value] : change.elements) {
      auto& set = replayed_.at(element.set);
      size_t erased = value.before ? set.erase(element.key) : 1;
      bool inserted = !value.after || set.insert(element.key).second;
      EXPECT_TRUE(erased == 1 && inserted) << element.set;
    }
    for (const std::string& name : change.goneSets) EXPECT_EQ(replayed_.erase(name), 1U);
  }

  void changePod() {
    unsigned number = draw(8);
    std::string key = fmt::format("n{}/p{}", number % 3, number);
    std::optional<PodFacts> pod;
    if (draw(4) != 0) {
      pod = readPod(
          object(fmt::format("{{{}, spec: {{containers: [{{name: c, ports: [{{name: http, containerPort: {}}}]}}]}}, "
                             "status: {{phase: Running, podIPs: [{{ip: 10.244.0.{}}}]}}}}",
                             metadataOf(key, label()), 80 + draw(2), number + 1)));
    }
    if (pod) {
      oracle_.pods[key] = *pod;
    } else {
      oracle_.pods.erase(key);
    }
    isolation_.setPod(key, pod);
  }

  void changeNamespace() {
    std::string name = ns();
    json::Value labels = json::parseYaml(label());
    oracle_.namespaces[name] = labels.get_object();
    isolation_.setNamespace(name, &labels.get_object());
  }

  std::string peers(const char* word) {
    switch (draw(6)) {
      case 0:
        return "";
      case 1:
        return fmt::format("{}: [{{ipBlock: {{cidr: 192.0.2.0/24, except: [192.0.2.{}/32]}}}}], ", word, 8 + draw(2));
      case 2:
        return fmt::format("{}: [{{podSelector: {{matchLabels: {}}}}}], ", word, label());
      case 3:
        return fmt::format("{}: [{{namespaceSelector: {{matchLabels: {}}}}}, {{ipBlock: {{cidr: 10.244.0.0/30}}}}], ",
                           word, label());
      default:
        return fmt::format("{}: [{{namespaceSelector: {{matchLabels: {}}}, podSelector: {{matchLabels: {}}}}}], ", word,
                           label(), label());
    }
  }
  std::string ports() {
    static constexpr const char* kPorts[] = {
        "", "ports: [{protocol: UDP}]", "ports: [{port: 80, endPort: 81, protocol: TCP}]",
        "ports: [{port: http, protocol: TCP}]", "ports: [{port: http, protocol: TCP}, {port: 443, protocol: TCP}]"};
    return kPorts[draw(5)];
  }
  void changePolicy() {
    std::string key = ns() + fmt::format("/{}", draw(3));
    std::optional<NetworkPolicy> policy;
    if (draw(4) != 0) {
      std::string in = draw(2) == 0 ? "" : fmt::format("{{{}{}}}", peers("from"), ports());
      std::string out = draw(2) == 0 ? "" : fmt::format("{{{}{}}}", peers("to"), ports());
      static constexpr const char* kTypes[] = {"Ingress", "Egress", "Ingress, Egress"};
      policy = readNetworkPolicy(*object(fmt::format(
          "{{{}, spec: {{podSelector: {{matchLabels: {}}}, policyTypes: [{}], ingress: [{}], egress: [{}]}}}}",
          metadataOf(key, "{}"), label(), kTypes[draw(3)], in, out)));
    }
    if (policy) {
      oracle_.policies[key] = *policy;
    } else {
      oracle_.policies.erase(key);
    }
    isolation_.setPolicy(key, policy);
  }

  std::mt19937 random_;
  Isolation isolation_;
  Oracle oracle_;
  std::map<std::string, std::set<Data>> replayed_;
};

TEST(Isolation, SaysAfterAnyChangesWhatTheDocumentationSays) {
  for (unsigned seed = 0; seed < 20 && !testing::Test::HasFailure(); ++seed) {
    RandomCluster cluster(seed);
    for (int i = 0; i < 100; ++i) {
      cluster.change();
      if (i % 3 != 0) continue;  // several changes settle at once
      nft::Table table = cluster.table();
      cluster.expectReplayed(table);
      for (int packet = 0; packet < 20; ++packet) cluster.check(table);
      if (testing::Test::HasFailure()) FAIL() << "seed " << seed << ", change " << i;
    }
  }
}

}  // namespace
}  // namespace wherry::policy
