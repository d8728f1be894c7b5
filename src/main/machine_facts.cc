#include "main/machine_facts.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>
#include <linux/netlink.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strings.h"
#include "base/subprocess.h"
#include "clusterdns/resolv_conf.h"
#include "linux/cgroups.h"
#include "linux/nft/base_chains.h"
#include "linux/node_addresses.h"
#include "linux/sysctls.h"
#include "main/ip_families.h"
#include "main/kernel_trials.h"
#include "main/port_trials.h"

namespace wherry::main {
namespace {

namespace nft = linux::nft;

int64_t sysctlNumber(const char* name) {
  try {
    return base::parseInt<int64_t>(linux::readSysctl(name)).value_or(0);
  } catch (const std::system_error&) {
    return 0;
  }
}

// The directory itself, or the nearest above it that is there.
std::string existingPart(std::filesystem::path path) {
  std::error_code ignored;
  while (!path.empty() && path != "/" && !std::filesystem::is_directory(path, ignored)) path = path.parent_path();
  return path.empty() ? "." : path.string();
}

// "crun version 1.8.1" -> "1.8.1"
std::string versionIn(std::string_view text) {
  size_t begin = text.find_first_of("0123456789");
  if (begin == std::string_view::npos) return {};
  std::string_view rest = text.substr(begin);
  return std::string(rest.substr(0, rest.find_first_not_of("0123456789.")));
}

void readCgroupFacts(MachineFacts& facts) {
  linux::Cgroups cgroups = linux::readCgroups();
  facts.cgroupVersion = cgroups.version == linux::CgroupVersion::kV2 ? "2" : "1";
  facts.unmounted = cgroups.missingControllers;
  std::string all;
  for (const std::string& hierarchy : cgroups.hierarchies) {
    // A version 1 hierarchy is named after its controllers, "cpu,cpuacct"; version 2 lists them in a file.
    all += " " + base::replaceAll(std::filesystem::path(hierarchy).filename().string(), ",", " ");
    all += " " + std::string(base::trim(base::readFileIfExists(hierarchy + "/cgroup.controllers").value_or("")));
  }
  all += " ";
  for (const char* controller : {"cpu", "memory", "pids"}) {
    if (all.find(fmt::format(" {} ", controller)) == std::string::npos) {
      facts.missingControllers.emplace_back(controller);
    }
  }
}

void readLimits(MachineFacts& facts) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  facts.openFiles = static_cast<int64_t>(files.rlim_max);
  facts.inotifyInstances = sysctlNumber("fs/inotify/max_user_instances");
  facts.inotifyWatches = sysctlNumber("fs/inotify/max_user_watches");
  facts.pids = std::min(sysctlNumber("kernel/pid_max"), sysctlNumber("kernel/threads-max"));
}

// The start of an address that a prefix fixes, as rules compare it.
std::string fixedBytes(const base::IpPrefix& prefix) {
  std::string bytes = prefix.address().bytes();
  return prefix.length() % 8 == 0 ? bytes.substr(0, prefix.length() / 8U) : bytes;
}

void readFirewall(MachineFacts& facts) {
  linux::NetlinkSocket socket(NETLINK_NETFILTER);
  auto pods = findRange(facts.clusterCidr, base::IpFamily::kIPv4);
  for (const nft::BaseChain& chain : nft::listBaseChains(socket)) {
    bool forward = chain.point == nft::HookPoint::kForward;
    if (!chain.dropsByDefault || (!forward && chain.point != nft::HookPoint::kInput)) continue;
    bool named = (pods && nft::tableNames(socket, chain, fixedBytes(*pods))) || nft::tableNames(socket, chain, "wh");
    facts.droppingChains.push_back({chain.family, chain.table, chain.name, forward, named});
  }
  std::string legacy = base::readFileIfExists("/proc/net/ip_tables_names").value_or("");
  facts.legacyIptables = legacy.find("filter") != std::string::npos;
}

void readDisk(MachineFacts& facts) {
  std::string directory = existingPart(facts.dataDir);
  struct statvfs disk {};
  if (::statvfs(directory.c_str(), &disk) == 0) {
    auto block = static_cast<int64_t>(disk.f_frsize);
    facts.diskSize = static_cast<int64_t>(disk.f_blocks) * block;
    facts.diskFree = static_cast<int64_t>(disk.f_bavail) * block;
    facts.inodesFree = disk.f_files == 0 ? -1 : static_cast<int64_t>(disk.f_favail);  // some have no fixed number
  }
  if (::access(directory.c_str(), W_OK | X_OK) != 0) facts.dataDirFailure = std::strerror(errno);
}

int64_t readSwap() {
  std::string memory = base::readFileIfExists("/proc/meminfo").value_or("");
  for (std::string_view line : base::split(memory, '\n')) {
    constexpr std::string_view kKey = "SwapTotal:";
    if (!line.starts_with(kKey)) continue;
    std::string_view number = base::trim(line.substr(kKey.size()));
    return base::parseInt<int64_t>(number.substr(0, number.find(' '))).value_or(0) * 1024;
  }
  return 0;
}

// As cluster DNS reads it; what stands behind a stub on a loopback address is asked in its place.
void readResolvers(MachineFacts& facts, const std::string& own) {
  auto text = base::readFileIfExists("/etc/resolv.conf");
  facts.resolvConf = text.has_value();
  facts.nameservers = clusterdns::parseNameservers(text.value_or(""), own);
  if (!facts.nameservers.empty()) return;
  auto behind = base::readFileIfExists("/run/systemd/resolve/resolv.conf");
  facts.nameservers = clusterdns::parseNameservers(behind.value_or(""), own);
}

void readPrograms(MachineFacts& facts, Scope scope) {
  for (const char* name : {"crun", "conmon", "skopeo"}) {
    ProgramFacts program{.name = name, .path = base::findProgram(name).value_or(""), .version = {}};
    if (!program.path.empty() && scope != Scope::kStarting) {
      try {
        std::vector<std::string> argv = {program.path, "--version"};
        // Else it would make /run/crun.
        if (program.name == "crun") argv.insert(argv.begin() + 1, "--root=/");
        auto said = base::run({.argv = std::move(argv), .timeout = std::chrono::seconds(5)});
        program.version = versionIn(said.out);
      } catch (const std::system_error&) {  // found, but it can't be run: it has no version
      }
    }
    facts.programs.push_back(std::move(program));
  }
}

void readClockAndNames(MachineFacts& facts) {
  facts.now = base::Clock::system().now();
  timex state{};
  facts.clockSynchronised = ::adjtimex(&state) >= 0 && (state.status & STA_UNSYNC) == 0;
  utsname machine{};
  ::uname(&machine);
  facts.kernel = machine.release;
  facts.hostName = machine.nodename;
}

}  // namespace

MachineFacts readMachineFacts(const ServerOptions& options, Scope scope) {
  MachineFacts facts{.root = ::geteuid() == 0,
                     .node = options.enabled("kubelet") || options.enabled("proxy") || options.enabled("policy") ||
                             options.enabled("dns"),
                     .containers = options.enabled("kubelet"),
                     .clusterCidr = options.clusterCidr,
                     .serviceCidr = options.serviceCidr,
                     .apiPort = options.port,
                     .dataDir = options.dataDir,
                     .swap = readSwap(),
                     .nodeName = options.nodeName,
                     .nodeIp = options.nodeIp};
  readClockAndNames(facts);
  readLimits(facts);
  readDisk(facts);
  if (scope != Scope::kRunning) facts.ports = tryPorts(options);
  if (!facts.node) return facts;
  readCgroupFacts(facts);
  readPrograms(facts, scope);
  readResolvers(facts, options.clusterDns);
  facts.defaultRoute = linux::readNodeAddresses().defaultRoute.has_value();
  facts.forwarding = linux::readSysctl("net/ipv4/ip_forward");
  if (!facts.root) return facts;
  readFirewall(facts);
  if (scope != Scope::kRunning && facts.dataDirFailure.empty()) facts.trials = tryKernel(existingPart(facts.dataDir));
  return facts;
}

}  // namespace wherry::main
