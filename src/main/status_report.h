// What `wherry status` shows of a server that runs: read when asked for, rendered as JSON, and what is wrong said in
// words. Pure but for readReport().
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "client/client.h"
#include "json/value.h"
#include "main/machine_checks.h"
#include "main/readiness.h"
#include "main/server_options.h"

namespace wherry::main {

struct CertificateReport {
  std::string name;  // "ca"
  base::WallTime notAfter;
};

// Bytes; -1 where it can't be told.
struct Usage {
  int64_t diskSize = -1;  // of the data directory's file system
  int64_t diskFree = -1;
  int64_t store = -1;
  int64_t images = -1;
  int64_t pods = -1;
  int64_t logs = -1;
  int64_t residentMemory = -1;      // RSS
  int64_t proportionalMemory = -1;  // PSS: what is shared counted in parts
};

struct Report {
  ServerOptions options;
  Readiness::Snapshot parts;
  base::WallTime now;
  std::chrono::seconds uptime{0};
  std::map<std::string, int> pods;            // by phase
  std::vector<meta::ObjectPtr> troubledPods;  // for findProblems
  std::vector<meta::ObjectPtr> nodes;
  std::map<std::string, std::string> versions;  // "crun" -> "1.8.1"
  std::vector<CertificateReport> certificates;
  Usage usage;
  std::vector<Finding> findings;  // of the machine
  std::string apiFailure;         // why pods and nodes are not known; empty: they are
};

struct Problem {
  std::string text;
  std::string remedy;
};

std::vector<Problem> findProblems(const Report& report);

// What is wrong with a pod by its status: "CrashLoopBackOff: back-off 10s restarting failed container"; empty: nothing.
std::string troubleOf(const meta::Object& pod);

json::Value renderReport(const Report& report);
// The part of it that is known from the first moment on: {"ready", "change", "parts"}.
json::Value renderParts(const Readiness::Snapshot& parts);

// Walks the directories and asks the API; some milliseconds. `client` null: the API is not there yet. The uptime is
// left to the caller.
Report readReport(const ServerOptions& options, const Readiness::Snapshot& parts, client::Client* client);

}  // namespace wherry::main
