#include "main/machine_checks.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"

namespace wherry::main {
namespace {

using Findings = std::vector<Finding>;

constexpr int64_t kMi = 1 << 20;
constexpr int64_t kGi = 1 << 30;
constexpr int64_t kDiskWanted = kGi;       // images, logs, and pods' own files
constexpr int64_t kDiskNeeded = 10 * kMi;  // the database and its log
constexpr int64_t kInodesWanted = 50'000;  // an image's files
constexpr int64_t kFilesWanted = 4096;     // a connection or a watched container each
constexpr int64_t kWatchesWanted = 8192;   // inotify
constexpr int64_t kInstancesWanted = 128;  // the kernel's own default
constexpr int64_t kPidsWanted = 16'384;    // 110 pods of 100 threads, and the machine's own
constexpr base::WallTime kRelease{std::chrono::seconds{1'767'225'600}};  // 2026-01-01

Finding ok(std::string name, std::string text) { return {std::move(name), Level::kOk, std::move(text), {}}; }
Finding warn(std::string name, std::string text, std::string remedy) {
  return {std::move(name), Level::kWarn, std::move(text), std::move(remedy)};
}
Finding fail(std::string name, std::string text, std::string remedy) {
  return {std::move(name), Level::kFail, std::move(text), std::move(remedy)};
}

void checkUser(const MachineFacts& facts, Findings& out) {
  if (facts.root || !facts.node) return out.push_back(ok("user", facts.root ? "root" : "not root, the API alone"));
  out.push_back(
      fail("user", "not root: pods, Services and DNS need it", "sudo wherry server (or the API alone: --only api)"));
}

std::string remedyFor(const std::string& feature) {
  if (feature == "overlayfs")
    return "modprobe overlay; or give a --data-dir on a file system that overlayfs can write to (ext4, xfs, btrfs)";
  if (feature == "veth") return "modprobe veth";
  if (feature == "nftables") return "modprobe nf_tables nft_nat nft_masq nft_reject_ipv4 nft_numgen nft_ct";
  if (feature == "conntrack") return "modprobe nf_conntrack nf_conntrack_netlink";
  return "use a kernel that has them";
}

void checkTrials(const MachineFacts& facts, Findings& out) {
  for (const Trial& trial : facts.trials) {
    std::string name = "kernel " + trial.feature;
    if (trial.failure.empty())
      out.push_back(ok(name, "works"));
    else if (trial.feature == "seccomp")
      out.push_back(
          warn(name, trial.failure, "pods run without a system call filter; use a kernel with CONFIG_SECCOMP"));
    else
      out.push_back(fail(name, trial.failure, remedyFor(trial.feature)));
  }
  if (facts.node && !facts.root) {
    out.push_back(warn("kernel features", "not tried: only root can", "sudo wherry check"));
  }
}

void checkCgroups(const MachineFacts& facts, Findings& out) {
  if (!facts.containers) return;
  if (!facts.missingControllers.empty()) {
    std::string missing = base::join(facts.missingControllers, ", ");
    return out.push_back(fail("cgroups", fmt::format("version {} without {}", facts.cgroupVersion, missing),
                              "boot with cgroup_enable=memory (some boards leave it out), or mount the controllers"));
  }
  if (!facts.unmounted.empty()) {
    const std::string& name = facts.unmounted.front();
    return out.push_back(
        warn("cgroups",
             fmt::format("version 1, mounted nowhere: {}; crun may refuse to run", base::join(facts.unmounted, ", ")),
             fmt::format("mkdir -p /sys/fs/cgroup/{0} && mount -t cgroup -o {0} cgroup /sys/fs/cgroup/{0}", name)));
  }
  out.push_back(ok("cgroups", fmt::format("version {}: cpu, memory, pids", facts.cgroupVersion)));
}

struct Minimum {
  const char* program;
  const char* version;  // the oldest that is tested
};
constexpr Minimum kMinimums[] = {{"crun", "1.8"}, {"conmon", "2.1"}, {"skopeo", "1.9"}};

std::vector<int> numbersOf(std::string_view version) {
  std::vector<int> numbers;
  for (std::string_view part : base::split(version, '.')) numbers.push_back(base::parseInt<int>(part).value_or(0));
  return numbers;
}

void checkPrograms(const MachineFacts& facts, Findings& out) {
  if (!facts.containers) return;
  for (const ProgramFacts& program : facts.programs) {
    std::string name = "program " + program.name;
    auto minimum = std::find_if(std::begin(kMinimums), std::end(kMinimums),
                                [&](const Minimum& m) { return program.name == m.program; });
    if (program.path.empty()) {
      out.push_back(
          fail(name, "not found on PATH",
               fmt::format("apt install {} (or run the control plane alone: --disable kubelet)", program.name)));
    } else if (!program.version.empty() && minimum != std::end(kMinimums) &&
               numbersOf(program.version) < numbersOf(minimum->version)) {
      out.push_back(warn(name, fmt::format("version {}, older than any that is tested", program.version),
                         fmt::format("install {} or newer", minimum->version)));
    } else {
      out.push_back(ok(name, program.version.empty() ? program.path : "version " + program.version));
    }
  }
}

void checkLimit(const char* name, int64_t value, int64_t wanted, std::string remedy, Findings& out) {
  if (value >= wanted) return out.push_back(ok(name, std::to_string(value)));
  out.push_back(warn(name, fmt::format("{}, at least {} is good for a full node", value, wanted), std::move(remedy)));
}

void checkLimits(const MachineFacts& facts, Findings& out) {
  checkLimit("limit open files", facts.openFiles, kFilesWanted, "ulimit -Hn 65536, or LimitNOFILE=65536 in the unit",
             out);
  if (!facts.containers) return;
  checkLimit("limit inotify instances", facts.inotifyInstances, kInstancesWanted,
             "sysctl -w fs.inotify.max_user_instances=512", out);
  checkLimit("limit inotify watches", facts.inotifyWatches, kWatchesWanted,
             "sysctl -w fs.inotify.max_user_watches=65536", out);
  checkLimit("limit processes", facts.pids, kPidsWanted, "sysctl -w kernel.pid_max=65536", out);
}

std::string remedyFor(const PortFacts& port) {
  if (port.what == "API") return "stop that program, or choose another port with --port";
  if (port.holder.starts_with("dnsmasq"))
    return "let dnsmasq leave other addresses alone: bind-interfaces and listen-address=127.0.0.1 in dnsmasq.conf";
  if (port.holder.starts_with("systemd-resolve"))
    return "let systemd-resolved listen on 127.0.0.53 alone: remove DNSStubListenerExtra from resolved.conf";
  return "let that program listen on addresses of its own instead of all (0.0.0.0), or leave out ours: --disable dns";
}

void checkPorts(const MachineFacts& facts, Findings& out) {
  for (const PortFacts& port : facts.ports) {
    std::string name = fmt::format("port {} {}", port.what, port.address);
    if (port.failure.empty()) {
      out.push_back(ok(name, "free"));
    } else {
      std::string by = port.holder.empty() ? "" : ", by " + port.holder;
      out.push_back(fail(name, port.failure + by, remedyFor(port)));
    }
  }
}

// The rule that lets pods through, in the language that the chain's owner speaks. iptables-nft's tables are of family
// ip and named as iptables names them.
std::string acceptRules(const MachineFacts& facts, const DroppingChain& chain) {
  bool iptables = chain.family == "ip" && chain.table == "filter" && (chain.name == "FORWARD" || chain.name == "INPUT");
  auto rule = [&](const char* direction) {
    if (iptables) return fmt::format("iptables -I {} -{} {} -j ACCEPT", chain.name, direction[0], facts.clusterCidr);
    return fmt::format("nft insert rule {} {} {} ip {} {} accept", chain.family, chain.table, chain.name, direction,
                       facts.clusterCidr);
  };
  return chain.forward ? rule("saddr") + " && " + rule("daddr") : rule("saddr");
}

void checkFirewall(const MachineFacts& facts, Findings& out) {
  if (!facts.node || !facts.root) return;
  bool quiet = true;
  for (const DroppingChain& chain : facts.droppingChains) {
    std::string where = fmt::format("{} {} {}", chain.family, chain.table, chain.name);
    if (chain.namesThePods) {
      out.push_back(ok("firewall " + where, "drops what it doesn't know, and has a rule for pods"));
      continue;
    }
    quiet = false;
    out.push_back(warn("firewall " + where,
                       chain.forward ? "drops forwarded packets: pods reach nobody, and nobody reaches them"
                                     : "drops packets to this node: pods reach neither DNS nor the API",
                       acceptRules(facts, chain)));
  }
  if (facts.legacyIptables) {
    quiet = false;
    out.push_back(warn("firewall iptables-legacy", "its rules can't be read here",
                       fmt::format("should its FORWARD or INPUT policy be DROP: iptables-legacy -I FORWARD -s {0} -j "
                                   "ACCEPT && iptables-legacy -I FORWARD -d {0} -j ACCEPT && iptables-legacy -I INPUT "
                                   "-s {0} -j ACCEPT",
                                   facts.clusterCidr)));
  }
  if (quiet && facts.droppingChains.empty()) out.push_back(ok("firewall", "no chain drops by default"));
}

void checkNetwork(const MachineFacts& facts, Findings& out) {
  if (!facts.node) return;
  if (facts.forwarding)
    out.push_back(ok("ip_forward", *facts.forwarding == "1" ? "on" : "off; the server turns it on"));
  if (facts.defaultRoute)
    out.push_back(ok("default route", facts.nodeIp.empty() ? "there" : "this node is " + facts.nodeIp));
  else
    out.push_back(warn("default route", "none: pods reach this node and each other, nothing else",
                       fmt::format("ip route add default via GATEWAY; the node's address is {}, choose another with "
                                   "--node-ip",
                                   facts.nodeIp)));
  if (!facts.nameservers.empty()) {
    out.push_back(ok("resolvers", base::join(facts.nameservers, ", ")));
  } else {
    out.push_back(warn("resolvers",
                       facts.resolvConf ? "/etc/resolv.conf names none but this machine itself" : "no /etc/resolv.conf",
                       "pods resolve the cluster's names only; put `nameserver ADDRESS` into /etc/resolv.conf, it is "
                       "read at once"));
  }
  if (facts.hostName == facts.nodeName)
    out.push_back(ok("node name", facts.nodeName));
  else
    out.push_back(ok("node name", fmt::format("{}, of the host's name {}", facts.nodeName, facts.hostName)));
}

std::string humanBytes(int64_t bytes) {
  if (bytes >= kGi) return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / static_cast<double>(kGi));
  return fmt::format("{} MiB", bytes / kMi);
}

void checkDisk(const MachineFacts& facts, Findings& out) {
  const std::string name = "disk " + facts.dataDir;
  std::string space = fmt::format("{} of {} free", humanBytes(facts.diskFree), humanBytes(facts.diskSize));
  if (!facts.dataDirFailure.empty()) {
    out.push_back(fail(name, "can't be written: " + facts.dataDirFailure,
                       "choose another place with --data-dir, or "
                       "mount it for writing"));
  } else if (facts.diskFree < kDiskNeeded) {
    // No reason to refuse a start: pods and reads go on with a disk that is full.
    out.push_back(warn(name, space, "make room: nothing can be stored"));
  } else if (facts.diskFree < kDiskWanted) {
    out.push_back(warn(name, space, "make room: images and logs need some"));
  } else if (facts.inodesFree >= 0 && facts.inodesFree < kInodesWanted) {
    out.push_back(warn(name, fmt::format("{} inodes free", facts.inodesFree), "make room: an image has many files"));
  } else {
    out.push_back(ok(name, space));
  }
}

void checkRest(const MachineFacts& facts, Findings& out) {
  out.push_back(
      ok("swap", facts.swap == 0 ? "off" : humanBytes(facts.swap) + ", which pods may use beyond their limit"));
  if (facts.now < kRelease)
    out.push_back(warn("time", base::formatUtcMillis(facts.now) + " is over long since",
                       "set the clock; certificates follow by themselves"));
  else
    out.push_back(
        ok("time", base::formatUtcMillis(facts.now) + (facts.clockSynchronised ? "" : ", not kept by a time service")));
}

using Check = void (*)(const MachineFacts&, Findings&);
constexpr Check kChecks[] = {checkUser,  checkTrials,   checkCgroups, checkPrograms, checkLimits,
                             checkPorts, checkFirewall, checkNetwork, checkDisk,     checkRest};

}  // namespace

const char* levelText(Level level) {
  switch (level) {
    case Level::kOk:
      return "ok";
    case Level::kWarn:
      return "warn";
    case Level::kFail:
      break;
  }
  return "FAIL";
}

std::vector<Finding> checkFacts(const MachineFacts& facts) {
  Findings findings;
  for (Check check : kChecks) check(facts, findings);
  return findings;
}

}  // namespace wherry::main
