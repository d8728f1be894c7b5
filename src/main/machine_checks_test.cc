#include "main/machine_checks.h"

#include <functional>

#include <gtest/gtest.h>

namespace wherry::main {
namespace {

// A machine on which nothing is to be said.
MachineFacts goodMachine() {
  return {.kernel = "6.1.0",
          .trials = {{"overlayfs", ""}, {"nftables", ""}},
          .cgroupVersion = "2",
          .programs = {{"crun", "/usr/bin/crun", "1.8.1"}, {"conmon", "/usr/bin/conmon", "2.1.6"}},
          .openFiles = 65536,
          .inotifyInstances = 128,
          .inotifyWatches = 65536,
          .pids = 32768,
          .ports = {{"API", "0.0.0.0:6443/tcp", "", ""}},
          .clusterCidr = "10.244.0.0/16",
          .apiPort = 6443,
          .forwarding = "0",
          .dataDir = "/var/lib/wherry",
          .diskSize = int64_t{100} << 30,
          .diskFree = int64_t{50} << 30,
          .inodesFree = -1,
          .now = base::WallTime{std::chrono::seconds{1'800'000'000}},
          .hostName = "node",
          .nodeName = "node",
          .nameservers = {"192.0.2.1"},
          .nodeIp = "192.0.2.2"};
}

// "FAIL disk /x: can't be written: ...": what is not ok.
std::vector<std::string> complaints(const MachineFacts& facts) {
  std::vector<std::string> out;
  for (const Finding& finding : checkFacts(facts)) {
    if (finding.level == Level::kOk) {
      EXPECT_TRUE(finding.remedy.empty()) << finding.name;
      continue;
    }
    EXPECT_FALSE(finding.remedy.empty()) << finding.name << " says not what to do";
    out.push_back((finding.level == Level::kFail ? "FAIL " : "warn ") + finding.name + ": " + finding.text);
  }
  return out;
}

TEST(MachineChecksTest, AGoodMachineHasNoComplaint) {
  EXPECT_EQ(complaints(goodMachine()), std::vector<std::string>());
}

TEST(MachineChecksTest, EachTroubleIsNamed) {
  struct Case {
    const char* name;
    std::function<void(MachineFacts&)> change;
    std::string expected;
  };
  const Case cases[] = {
      {"a kernel without a feature", [](auto& f) { f.trials[0].failure = "mount: No such device"; },
       "FAIL kernel overlayfs: mount: No such device"},
      {"a kernel without seccomp is no reason to stop",
       [](auto& f) {
         f.trials[0] = {"seccomp", "Invalid argument"};
       },
       "warn kernel seccomp: Invalid argument"},
      {"a missing program", [](auto& f) { f.programs[0].path = ""; }, "FAIL program crun: not found on PATH"},
      {"an old program", [](auto& f) { f.programs[0].version = "1.7.9"; },
       "warn program crun: version 1.7.9, older than any that is tested"},
      {"a board without the memory controller", [](auto& f) { f.missingControllers = {"memory"}; },
       "FAIL cgroups: version 2 without memory"},
      {"a busy port",
       [](auto& f) { f.ports[0].failure = "Address already in use", f.ports[0].holder = "k3s (process 7)"; },
       "FAIL port API 0.0.0.0:6443/tcp: Address already in use, by k3s (process 7)"},
      {"a firewall that drops what is forwarded",
       [](auto& f) {
         f.droppingChains = {{"inet", "filter", "forward"}};
       },
       "warn firewall inet filter forward: drops forwarded packets: pods reach nobody, and nobody reaches them"},
      {"a disk that is nearly full", [](auto& f) { f.diskFree = 100 << 20; },
       "warn disk /var/lib/wherry: 100 MiB of 100.0 GiB free"},
      {"a disk that is full", [](auto& f) { f.diskFree = 1 << 20; },
       "warn disk /var/lib/wherry: 1 MiB of 100.0 GiB free"},
      {"a read-only disk", [](auto& f) { f.dataDirFailure = "Read-only file system"; },
       "FAIL disk /var/lib/wherry: can't be written: Read-only file system"},
      {"a clock at its beginning", [](auto& f) { f.now = base::WallTime{}; },
       "warn time: 1970-01-01T00:00:00.000Z is over long since"},
      {"no way out", [](auto& f) { f.defaultRoute = false; },
       "warn default route: none: pods reach this node and each other, nothing else"},
      {"a resolver that is this machine", [](auto& f) { f.nameservers.clear(); },
       "warn resolvers: /etc/resolv.conf names none but this machine itself"},
      {"few inotify instances", [](auto& f) { f.inotifyInstances = 16; },
       "warn limit inotify instances: 16, at least 128 is good for a full node"},
  };
  for (const Case& c : cases) {
    MachineFacts facts = goodMachine();
    c.change(facts);
    EXPECT_EQ(complaints(facts), std::vector<std::string>{c.expected}) << c.name;
  }
}

TEST(MachineChecksTest, AUserWhoIsNotRootMayRunTheApiAlone) {
  MachineFacts facts = goodMachine();
  facts.root = false;
  EXPECT_EQ(complaints(facts)[0], "FAIL user: not root: pods, Services and DNS need it");
  facts.node = facts.containers = false;
  EXPECT_EQ(complaints(facts), std::vector<std::string>());
}

std::string remedyOf(const DroppingChain& chain) {
  MachineFacts facts = goodMachine();
  facts.droppingChains = {chain};
  for (const Finding& finding : checkFacts(facts)) {
    if (finding.name.starts_with("firewall")) return finding.remedy;
  }
  return "no finding";
}

TEST(MachineChecksTest, AFirewallsRemedyIsInItsOwnersWords) {
  EXPECT_EQ(remedyOf({"inet", "fw", "input", false}), "nft insert rule inet fw input ip saddr 10.244.0.0/16 accept");
  EXPECT_EQ(remedyOf({"inet", "fw", "fwd", true}),
            "nft insert rule inet fw fwd ip saddr 10.244.0.0/16 accept && "
            "nft insert rule inet fw fwd ip daddr 10.244.0.0/16 accept");
  EXPECT_EQ(remedyOf({"ip", "filter", "FORWARD", true}),
            "iptables -I FORWARD -s 10.244.0.0/16 -j ACCEPT && iptables -I FORWARD -d 10.244.0.0/16 -j ACCEPT");
  EXPECT_EQ(remedyOf({"inet", "fw", "fwd", true, true}), "") << "it has a rule for the pods";
}

TEST(MachineChecksTest, ABusyDnsPortIsExplainedByWhoHasIt) {
  for (const auto& [holder, word] :
       {std::pair{"dnsmasq (process 5)", "bind-interfaces"},
        std::pair{"systemd-resolve (process 5)", "DNSStubListenerExtra"}, std::pair{"", "--disable dns"}}) {
    MachineFacts facts = goodMachine();
    facts.ports = {{"DNS", "10.96.0.10:53/udp", "Address already in use", holder}};
    std::string remedy;
    for (const Finding& finding : checkFacts(facts)) remedy += finding.remedy;
    EXPECT_NE(remedy.find(word), std::string::npos) << remedy;
  }
}

}  // namespace
}  // namespace wherry::main
