// What this machine has of what the cluster needs: read and tried, not judged (machine_checks.h does that).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "main/server_options.h"

namespace wherry::main {

struct ProgramFacts {
  std::string name;
  std::string path;     // empty: not on PATH
  std::string version;  // "1.8.1"; empty: it was not asked, or did not say
};

// Something of the kernel that was really done, in namespaces that are thrown away.
struct Trial {
  std::string feature;  // "overlayfs"
  std::string failure;  // empty: it works
};

struct PortFacts {
  std::string what;     // "API"
  std::string address;  // "0.0.0.0:6443/tcp"
  std::string failure;  // "Address already in use"; empty: it can be had
  std::string holder;   // "dnsmasq (process 123)"
};

// A chain of another program that drops what nobody accepts.
struct DroppingChain {
  std::string family;
  std::string table;
  std::string name;
  bool forward = true;        // else input
  bool namesThePods = false;  // one of its table's rules has the pods' range
};

struct MachineFacts {
  bool root = true;
  bool node = true;        // pods, Services or DNS are to run here
  bool containers = true;  // pods are
  std::string kernel;      // "6.1.0-18-amd64"
  std::vector<Trial> trials;
  std::string cgroupVersion;                    // "1", "2"
  std::vector<std::string> missingControllers;  // of cpu, memory, pids
  std::vector<std::string> unmounted;           // v1: controllers that crun wants mounted
  std::vector<ProgramFacts> programs;
  int64_t openFiles = 0;
  int64_t inotifyInstances = 0;
  int64_t inotifyWatches = 0;
  int64_t pids = 0;
  std::vector<PortFacts> ports;
  std::vector<DroppingChain> droppingChains;
  bool legacyIptables = false;
  std::string clusterCidr;
  std::string serviceCidr;
  uint16_t apiPort = 0;
  std::optional<std::string> forwarding;  // net.ipv4.ip_forward
  std::string dataDir;
  std::string dataDirFailure;  // "Read-only file system"; empty: it can be written
  int64_t diskSize = 0;        // bytes
  int64_t diskFree = 0;
  int64_t inodesFree = 0;
  int64_t swap = 0;  // bytes
  base::WallTime now;
  bool clockSynchronised = true;
  std::string hostName;
  std::string nodeName;
  bool resolvConf = true;                // there is an /etc/resolv.conf
  std::vector<std::string> nameservers;  // which cluster DNS may ask
  std::string nodeIp;
  bool defaultRoute = true;
};

// How much is found out: for a server that starts, everything but what costs (the programs' versions); for one that
// runs, nothing that it has itself (ports), and no trials.
enum class Scope { kAll, kStarting, kRunning };
MachineFacts readMachineFacts(const ServerOptions& options, Scope scope);

}  // namespace wherry::main
