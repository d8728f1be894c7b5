// The half of status_report.h that looks.
#include <filesystem>

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strings.h"
#include "main/status_report.h"
#include "meta/status.h"
#include "pki/certificate.h"
#include "views/core_v1.h"

namespace wherry::main {
namespace {

constexpr size_t kFilesCounted = 500'000;  // a walk takes a second then; what is beyond is left out

// What the files below it take on the disk; what vanishes meanwhile counts nothing.
int64_t diskUsage(const std::string& directory) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::recursive_directory_iterator at(directory, fs::directory_options::skip_permission_denied, error);
  if (error) return -1;
  int64_t bytes = 0;
  for (size_t count = 0; at != fs::recursive_directory_iterator() && count < kFilesCounted; ++count) {
    struct stat status {};
    if (::lstat(at->path().c_str(), &status) == 0) bytes += static_cast<int64_t>(status.st_blocks) * 512;
    at.increment(error);
    if (error) break;
  }
  return bytes;
}

// "Rss:    1234 kB"
int64_t memoryLine(std::string_view text, std::string_view key) {
  for (std::string_view line : base::split(text, '\n')) {
    if (!line.starts_with(key)) continue;
    std::string_view number = base::trim(line.substr(key.size()));
    return base::parseInt<int64_t>(number.substr(0, number.find(' '))).value_or(-1) * 1024;
  }
  return -1;
}

Usage readUsage(const ServerOptions& options) {
  Usage usage;
  struct statvfs disk {};
  if (::statvfs(options.dataDir.c_str(), &disk) == 0) {
    usage.diskSize = static_cast<int64_t>(disk.f_blocks) * static_cast<int64_t>(disk.f_frsize);
    usage.diskFree = static_cast<int64_t>(disk.f_bavail) * static_cast<int64_t>(disk.f_frsize);
  }
  usage.store = diskUsage(options.dataDir + "/store");
  usage.images = diskUsage(options.dataDir + "/images");
  usage.pods = diskUsage(options.dataDir + "/pods");
  usage.logs = diskUsage(options.logDir + "/pods");
  std::string memory = base::readFileIfExists("/proc/self/smaps_rollup").value_or("");
  usage.residentMemory = memoryLine(memory, "Rss:");
  usage.proportionalMemory = memoryLine(memory, "Pss:");
  return usage;
}

std::vector<CertificateReport> readCertificates(const ServerOptions& options) {
  std::vector<CertificateReport> certificates;
  for (const char* name : {"ca", "apiserver", "admin", "kubelet"}) {
    auto pem = base::readFileIfExists(fmt::format("{}/pki/{}.crt", options.dataDir, name));
    if (pem) certificates.push_back({name, pki::readCertificate(*pem).notAfter});
  }
  return certificates;
}

void readObjects(client::Client& client, Report& report) {
  try {
    for (const meta::ObjectPtr& pod : client.list(core_v1::Pod::kResource(), "").items) {
      ++report.pods[std::string(json::getString(pod->tree(), "status.phase", "Unknown"))];
      if (!troubleOf(*pod).empty()) report.troubledPods.push_back(pod);
    }
    report.nodes = client.list(core_v1::Node::kResource(), "").items;
  } catch (const meta::StatusError& error) {
    report.apiFailure = error.what();
  }
}

}  // namespace

Report readReport(const ServerOptions& options, const Readiness::Snapshot& parts, client::Client* client) {
  Report report;
  report.options = options;
  report.parts = parts;
  report.now = base::Clock::system().now();
  if (client) readObjects(*client, report);
  report.certificates = readCertificates(options);
  report.usage = readUsage(options);
  MachineFacts facts = readMachineFacts(options, Scope::kRunning);
  report.findings = checkFacts(facts);
  report.versions = {{"wherry", WHERRY_VERSION}, {"kubernetes", "v1.36.0"}, {"kernel", facts.kernel}};
  for (const ProgramFacts& program : facts.programs) report.versions[program.name] = program.version;
  return report;
}

}  // namespace wherry::main
