// The table against what the documentation says, for clusters, changes and packets drawn at random.
#include <cstdlib>
#include <random>

#include <gtest/gtest.h>
#include <netinet/in.h>

#include "linux/nft/render.h"
#include "policy/ruleset.h"
#include "policy/standard_oracle.h"
#include "policy/test_cluster.h"

namespace wherry::policy {
namespace {

namespace nft = linux::nft;
using base::IpFamily;

// Manifests of what users write, and some that they seldom do.
class RandomManifests {
 public:
  explicit RandomManifests(unsigned seed) : random_(seed) {}

  unsigned draw(unsigned below) { return std::uniform_int_distribution<unsigned>(0, below - 1)(random_); }
  bool one(unsigned in) { return draw(in) == 0; }
  template <size_t N>
  const char* any(const char* const (&of)[N]) {
    return of[draw(N)];
  }

  std::string labels() {
    std::string all;
    if (!one(3)) all += fmt::format("app: a{}", draw(3));
    if (one(2)) all += fmt::format("{}tier: t{}", all.empty() ? "" : ", ", draw(2));
    return "{" + all + "}";
  }

  std::string selector() {
    static constexpr const char* kExpressions[] = {
        "{key: app, operator: In, values: [a0, a2]}", "{key: app, operator: NotIn, values: [a0]}",
        "{key: tier, operator: Exists}", "{key: tier, operator: DoesNotExist}"};
    switch (draw(5)) {
      case 0:
        return "{}";
      case 1:
        return fmt::format("{{matchExpressions: [{}]}}", any(kExpressions));
      case 2:
        return fmt::format("{{matchLabels: {}, matchExpressions: [{}]}}", labels(), any(kExpressions));
      default:
        return fmt::format("{{matchLabels: {}}}", labels());
    }
  }

  std::string policy(const std::string& key) {
    static constexpr const char* kTypes[] = {"", "policyTypes: [], ", "policyTypes: [Ingress], ",
                                             "policyTypes: [Egress], ", "policyTypes: [Ingress, Egress], "};
    std::string selected = one(10) ? "" : "podSelector: " + selector() + ", ";
    return fmt::format("{{{}, spec: {{{}{}{}{}}}}}", metadataOf(key, "{}"), selected, any(kTypes),
                       rules("ingress", "from"), rules("egress", "to"));
  }

  // Of this node if `number` is below 8.
  std::string pod(const std::string& key, unsigned number, bool ends) {
    static constexpr const char* kPorts[] = {
        "", "{name: web, containerPort: 80}", "{name: web, containerPort: 81}",
        ("{name: web, containerPort: 80}, {name: web, protocol: UDP, containerPort: 82}, {name: adm, containerPort: "
         "443}"),
        "{name: adm, protocol: SCTP, containerPort: 80}, {name: web, containerPort: 443}"};
    std::string four = fmt::format("{{ip: 10.244.{}.{}}}", number / 8, number % 8 + 1);
    std::string six = fmt::format("{{ip: \"fd00:10:244:{}:{}\"}}", number < 8 ? "" : "1:", number % 8 + 1);
    std::string ips = one(5) ? four : one(6) ? six : four + ", " + six;
    if (one(12)) ips = "";
    std::string init =
        one(4) ? fmt::format("{{name: i, {}ports: [{}]}}", one(2) ? "restartPolicy: Always, " : "", any(kPorts)) : "";
    return fmt::format(
        "{{metadata: {{namespace: {}, name: {}, labels: {}{}, resourceVersion: \"{}\"}}, spec: {{hostNetwork: {}, "
        "containers: [{{name: c, ports: [{}]}}], initContainers: [{}]}}, status: {{phase: {}, podIPs: [{}]}}}}",
        base::split(key, '/')[0], base::split(key, '/')[1], labels(), ends ? ", deletionTimestamp: now" : "",
        ++revision_, one(12), any(kPorts), init, one(8) ? "Succeeded" : "Running", ips);
  }

 private:
  std::string block() {
    static constexpr const char* kBlocks[] = {"{cidr: 0.0.0.0/0}",
                                              "{cidr: \"::/0\"}",
                                              "{cidr: 0.0.0.0/0, except: [10.244.0.0/16, 192.0.2.0/25]}",
                                              "{cidr: 0.0.0.0/0, except: [10.244.0.4/30, 10.244.0.6/32, 128.0.0.0/1]}",
                                              "{cidr: 192.0.2.200/24, except: [192.0.2.9/32]}",
                                              "{cidr: 10.244.0.0/30}",
                                              "{cidr: 10.244.0.0/16, except: [10.244.0.3/32]}",
                                              "{cidr: 198.51.100.1/32}",
                                              "{cidr: \"fd00:10:244::/62\", except: [\"fd00:10:244:1::/64\"]}",
                                              "{cidr: \"2001:db8::/32\", except: [\"2001:db8::9/128\"]}"};
    return fmt::format("{{ipBlock: {}}}", any(kBlocks));
  }
  std::string peer() {
    switch (draw(5)) {
      case 0:
        return fmt::format("{{podSelector: {}}}", selector());
      case 1:
        return fmt::format("{{namespaceSelector: {}}}", selector());
      case 2:
        return fmt::format("{{namespaceSelector: {}, podSelector: {}}}", selector(), selector());
      default:
        return block();
    }
  }
  std::string port() {
    static constexpr const char* kPorts[] = {"{port: 80}",
                                             "{port: 80, protocol: UDP}",
                                             "{port: 80, endPort: 82, protocol: TCP}",
                                             "{port: web}",
                                             "{protocol: UDP}",
                                             "{protocol: SCTP}",
                                             "{port: 81, endPort: 443, protocol: SCTP}",
                                             "{port: adm}",
                                             "{port: web, protocol: UDP}",
                                             "{port: adm, protocol: SCTP}",
                                             "{port: 65535}",
                                             "{}"};
    return any(kPorts);
  }
  // "word: [...], " of up to `most`; or nothing at all.
  template <typename Item>
  std::string list(const char* word, unsigned most, Item item) {
    if (one(4)) return "";
    std::string items;
    for (unsigned i = draw(most + 1); i > 0; --i) items += (items.empty() ? "" : ", ") + item();
    return fmt::format("{}: [{}], ", word, items);
  }
  std::string rules(const char* word, const char* peers) {
    return list(word, 2, [&] {
      return "{" + list(peers, 2, [&] { return peer(); }) + list("ports", 2, [&] { return port(); }) + "}";
    });
  }

  std::mt19937 random_;
  int revision_ = 0;
};

// One family's table, and what the kernel would have after all changes that it was told of.
class Followed {
 public:
  Followed(const char* pods, const char* begin) : ownPods(*base::IpPrefix::parse(pods)), begin_(begin) {}

  nft::Table settle() {
    replay(isolation.settle());
    nft::Table table = wholeTable(isolation.content(), ownPods);
    expectReplayed(table);
    return table;
  }
  bool agrees(const nft::Table& table, const StandardOracle& oracle, const nft::Packet& packet) const {
    bool accepted = nft::Tracer({table}, {}).trace(packet).outcome == nft::Trace::Outcome::kAccept;
    return accepted == oracle.allows(packet, begin_);
  }

  base::IpPrefix ownPods;
  Isolation isolation{ownPods.family(), ownPods};

 private:
  void replay(const ContentChange& change) {
    for (const nft::Set& set : change.newSets) replayed_[set.name] = set.elements;
    for (const auto& [element, value] : change.elements) {
      auto& set = replayed_.at(element.set);
      size_t erased = value.before ? set.erase(element.key) : 1;
      bool inserted = !value.after || set.insert(element.key).second;
      EXPECT_TRUE(erased == 1 && inserted) << element.set;
    }
    for (const auto& [element, decision] : change.decisions) {
      auto& map = decided_[element.set];
      auto found = map.find(element.key);
      EXPECT_EQ(found == map.end() ? std::nullopt : std::optional(found->second), decision.before) << element.set;
      map.erase(element.key);
      if (decision.after) map.emplace(element.key, *decision.after);
    }
    for (const std::string& name : change.goneSets) EXPECT_EQ(replayed_.erase(name), 1U);
  }
  void expectReplayed(const nft::Table& table) {
    for (const nft::Set& set : table.sets) {
      if (set.ranges) continue;
      EXPECT_EQ(set.elements, replayed_[set.name]) << set.name;
    }
    for (const nft::VerdictMap& map : table.verdictMaps) EXPECT_EQ(map.elements, decided_[map.name]) << map.name;
  }

  std::string begin_;
  std::map<std::string, std::set<nft::Data>> replayed_;
  std::map<std::string, std::map<nft::Data, nft::Verdict>> decided_;
};

class RandomCluster {
 public:
  explicit RandomCluster(unsigned seed) : draw_(seed) {}

  void change() {
    switch (draw_.draw(6)) {
      case 0:
      case 1:
        return changePolicy();
      case 2:
        return changeNamespace();
      default:
        return changePod();
    }
  }
  void check(int packets) {
    nft::Table four = ipv4_.settle(), six = ipv6_.settle();
    for (int i = 0; i < packets && !testing::Test::HasFailure(); ++i) {
      nft::Packet packet = this->packet();
      bool isFour = packet.source.family() == IpFamily::kIPv4;
      const nft::Table& table = isFour ? four : six;
      EXPECT_TRUE((isFour ? ipv4_ : ipv6_).agrees(table, oracle_, packet))
          << packet.source.text() << " to " << packet.destination.text() << " " << int{packet.protocol} << ":"
          << packet.destinationPort << "\n"
          << text() << renderTable(table);
    }
  }

 private:
  static constexpr unsigned kPods = 12;

  std::string text() const {
    std::string all = oracle_.podsText();
    for (const auto& [key, policy] : oracle_.policies) all += json::serialize(policy) + "\n";
    for (const auto& [name, labels] : oracle_.namespaces) all += name + " " + json::serialize(labels) + "\n";
    return all;
  }

  nft::Packet packet() {
    static constexpr uint16_t kPorts[] = {80, 80, 81, 82, 443, 9};
    static constexpr uint8_t kIcmp = IPPROTO_ICMP, kIcmpV6 = IPPROTO_ICMPV6;
    static constexpr uint8_t kProtocols[] = {IPPROTO_TCP, IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};
    bool isFour = draw_.one(2);
    nft::Packet packet{.source = address(isFour),
                       .destination = address(isFour),
                       .protocol = kProtocols[draw_.draw(5)],
                       .destinationPort = kPorts[draw_.draw(6)],
                       .inputInterface = "wh0"};
    if (draw_.one(10)) {
      packet.protocol = isFour ? kIcmp : kIcmpV6;
      packet.destinationPort = 0;
    }
    return packet;
  }
  base::IpAddress address(bool isFour) {
    static constexpr const char* kFour[] = {"192.0.2.9", "192.0.2.200", "198.51.100.1", "10.244.0.77", "203.0.113.5"};
    static constexpr const char* kSix[] = {"2001:db8::1", "2001:db8::9", "fd00:10:244::77"};
    if (draw_.one(6)) return ip(isFour ? draw_.any(kFour) : draw_.any(kSix));
    unsigned number = draw_.draw(kPods);
    if (isFour) return ip(fmt::format("10.244.{}.{}", number / 8, number % 8 + 1));
    return ip(fmt::format("fd00:10:244:{}:{}", number < 8 ? "" : "1:", number % 8 + 1));
  }

  void changePolicy() {
    std::string key = fmt::format("n{}/policy{}", draw_.draw(3), draw_.draw(3));
    std::optional<NetworkPolicy> policy;
    oracle_.policies.erase(key);
    if (!draw_.one(5)) {
      meta::ObjectPtr written = object(draw_.policy(key));
      oracle_.policies[key] = written->tree();
      policy = readNetworkPolicy(*written);
    }
    for (Followed* of : {&ipv4_, &ipv6_}) of->isolation.setPolicy(key, policy);
  }

  void changeNamespace() {
    std::string name = fmt::format("n{}", draw_.draw(3));
    oracle_.namespaces.erase(name);
    if (!draw_.one(6)) oracle_.namespaces[name] = json::parseYaml(draw_.labels());
    auto found = oracle_.namespaces.find(name);
    for (Followed* of : {&ipv4_, &ipv6_}) {
      of->isolation.setNamespace(name, found == oracle_.namespaces.end() ? nullptr : &found->second.get_object());
    }
  }

  // The names are more than the addresses: some pods have that of another that goes, or hasn't told yet that it went.
  void changePod() {
    unsigned name = draw_.draw(kPods * 3 / 2), number = name % kPods;
    std::string key = fmt::format("n{}/p{}", name % 3, name);
    std::optional<PodFacts> pod;
    std::optional<json::Value> tree;
    if (!draw_.one(4)) {
      meta::ObjectPtr written = object(draw_.pod(key, number, draw_.one(6)));
      tree = written->tree();
      pod = readPod(written);
    }
    oracle_.pod(key, tree);
    for (Followed* of : {&ipv4_, &ipv6_}) of->isolation.setPod(key, pod);
  }
  RandomManifests draw_;
  StandardOracle oracle_;
  Followed ipv4_{"10.244.0.0/24", "10.244.0."}, ipv6_{"fd00:10:244::/64", "fd00:10:244::"};
};

TEST(PolicyStandard, TheTableSaysAfterAnyChangesWhatTheDocumentationSays) {
  const char* more = std::getenv("WHERRY_SEEDS");
  for (unsigned seed = 0; seed < (more ? std::stoul(more) : 12) && !HasFailure(); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    RandomCluster cluster(seed);
    for (int i = 0; i < 120 && !HasFailure(); ++i) {
      cluster.change();
      if (i % 3 == 0) cluster.check(30);  // several changes settle at once
    }
  }
}

}  // namespace
}  // namespace wherry::policy
