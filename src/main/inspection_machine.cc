// The half of inspection.h that looks at the machine.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/strings.h"
#include "base/subprocess.h"
#include "linux/cgroups.h"
#include "main/inspection.h"
#include "main/redaction.h"

namespace wherry::main {
namespace {

namespace fs = std::filesystem;

constexpr size_t kOutputLimit = 16 << 20;  // bytes of a program's output, of a ruleset mostly
constexpr size_t kServerLog = 8 << 20;     // bytes of the end of the server's log
constexpr size_t kPodLog = 256 << 10;      // of each container's
constexpr size_t kAllPodLogs = 64 << 20;   // of all of them
constexpr size_t kFilesListed = 20'000;
constexpr std::chrono::seconds kPatience{10};  // for one program

std::string outputOf(std::vector<std::string> argv) {
  std::string command = base::join(argv, " ");
  try {
    auto done = base::run({.argv = std::move(argv), .timeout = kPatience, .outputLimit = kOutputLimit});
    std::string note = done.timedOut ? "timed out" : done.ok() ? "" : fmt::format("exit {}", done.exitCode);
    return fmt::format("$ {}\n{}{}{}\n", command, done.out, done.err, note);
  } catch (const std::system_error& error) {
    return fmt::format("$ {}\n{}\n", command, error.what());
  }
}

std::string contentOf(const std::string& path) {
  try {
    return fmt::format("$ cat {}\n{}\n", path, base::readFileIfExists(path).value_or("no such file\n"));
  } catch (const std::system_error& error) {
    return fmt::format("$ cat {}\n{}\n", path, error.what());
  }
}

// The last `limit` bytes, from the beginning of a line on.
std::string endOf(const fs::path& path, size_t limit) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return {};
  auto size = static_cast<size_t>(std::max<std::streamoff>(file.tellg(), 0));
  size_t from = size > limit ? size - limit : 0;
  std::string text(size - from, '\0');
  file.seekg(static_cast<std::streamoff>(from));
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  if (from > 0) text.erase(0, std::min(text.find('\n') + 1, text.size()));
  return text;
}

// Until `visit` answers false.
void forEachBelow(const fs::path& directory, const std::function<bool(const fs::directory_entry&)>& visit) {
  std::error_code error;
  fs::recursive_directory_iterator at(directory, fs::directory_options::skip_permission_denied, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    if (!visit(*at)) return;
  }
}

// Names, sizes and modes; never contents.
std::string listFiles(const std::string& directory) {
  std::string out;
  size_t count = 0;
  forEachBelow(directory, [&](const fs::directory_entry& entry) {
    struct stat status {};
    if (::lstat(entry.path().c_str(), &status) != 0) return true;
    out += fmt::format("{:06o} {}:{} {:>10} {}\n", status.st_mode, status.st_uid, status.st_gid, status.st_size,
                       entry.path().string());
    return ++count < kFilesListed;
  });
  if (count == kFilesListed) out += "and more\n";
  return out;
}

std::string listCgroups() {
  std::string out = contentOf("/proc/cgroups") + contentOf("/proc/self/cgroup");
  for (const std::string& hierarchy : linux::readCgroups().hierarchies) {
    forEachBelow(hierarchy + "/wherry", [&](const fs::directory_entry& entry) {
      if (entry.path().filename() != "cgroup.procs") return true;
      std::string pids = base::readFileIfExists(entry.path()).value_or("");
      out += fmt::format("{}: {} processes\n", entry.path().parent_path().string(),
                         std::count(pids.begin(), pids.end(), '\n'));
      return true;
    });
  }
  return out;
}

}  // namespace

void addMachine(const ServerOptions& options, ReportArchive& archive) {
  archive.add("versions.txt", fmt::format("wherry {}\n", WHERRY_VERSION) + outputOf({"uname", "-a"}) +
                                  contentOf("/etc/os-release") + outputOf({"crun", "--root=/", "--version"}) +
                                  outputOf({"conmon", "--version"}) + outputOf({"skopeo", "--version"}) +
                                  outputOf({"nft", "--version"}));
  archive.add("network/nft.txt", outputOf({"nft", "list", "ruleset"}));
  archive.add("network/links.txt", outputOf({"ip", "-d", "address"}) +
                                       outputOf({"ip", "route", "show", "table", "all"}) + outputOf({"ip", "rule"}) +
                                       outputOf({"ip", "neighbour"}) + contentOf("/proc/net/route") +
                                       contentOf("/proc/net/dev"));
  archive.add("network/conntrack.txt", contentOf("/proc/sys/net/netfilter/nf_conntrack_count") +
                                           contentOf("/proc/sys/net/netfilter/nf_conntrack_max") +
                                           contentOf("/proc/net/stat/nf_conntrack"));
  archive.add("network/resolv.conf", contentOf("/etc/resolv.conf") + contentOf("/etc/hosts"));
  archive.add("mounts.txt", contentOf("/proc/self/mountinfo"));
  archive.add("cgroups.txt", listCgroups());
  archive.add("kernel.txt", contentOf("/proc/version") + contentOf("/proc/cmdline") + contentOf("/proc/meminfo") +
                                contentOf("/proc/loadavg") + contentOf("/proc/pressure/cpu") +
                                contentOf("/proc/pressure/memory") + contentOf("/proc/pressure/io"));
  archive.add("disk.txt",
              outputOf({"df", "-k", options.dataDir, "/tmp"}) + listFiles(options.dataDir) + listFiles(options.runDir));
  archive.add("config.txt", redactText(contentOf("/etc/wherry/config.yaml")));
}

void addLogs(const ServerOptions& options, ReportArchive& archive) {
  std::string own = endOf(options.dataDir + "/wherry.log", kServerLog);
  if (own.empty()) own = outputOf({"journalctl", "--unit", "wherry", "--lines", "20000", "--no-pager"});
  archive.add("logs/wherry.log", redactText(std::move(own)));
  size_t all = 0;
  const fs::path root = options.logDir + "/pods";
  forEachBelow(root, [&](const fs::directory_entry& entry) {
    std::error_code ignored;
    if (!entry.is_regular_file(ignored) || entry.is_symlink(ignored)) return true;
    std::string text = endOf(entry.path(), kPodLog);
    all += text.size();
    archive.add("logs/pods/" + entry.path().lexically_relative(root).string(), redactText(std::move(text)));
    return all < kAllPodLogs;
  });
}

}  // namespace wherry::main
