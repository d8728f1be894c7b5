#include "kubelet/runtime/crun.h"

#include <array>
#include <cerrno>
#include <filesystem>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault_point.h"
#include "base/strings.h"
#include "json/value.h"
#include "kubelet/runtime/start_error.h"

namespace wherry::kubelet {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kCreateTimeout{60'000};
constexpr milliseconds kRuntimeTimeout{60'000};
constexpr int kSyncFd = 3;
constexpr size_t kMaxSyncLine = 1 << 16;
// Bytes; conmon begins the log anew beyond it. Rotation keeps logs far below, but for while this process does not run.
constexpr const char* kMostLog = "104857600";
// Where the conmons live: outside the service's own group, so that stopping the service leaves them alone.
constexpr std::string_view kConmonCgroup = "/wherry/conmon";

constexpr std::array<std::pair<std::string_view, int>, 31> kSignals = {{
    {"HUP", 1},   {"INT", 2},     {"QUIT", 3},  {"ILL", 4},    {"TRAP", 5},  {"ABRT", 6},  {"BUS", 7},   {"FPE", 8},
    {"KILL", 9},  {"USR1", 10},   {"SEGV", 11}, {"USR2", 12},  {"PIPE", 13}, {"ALRM", 14}, {"TERM", 15}, {"STKFLT", 16},
    {"CHLD", 17}, {"CONT", 18},   {"STOP", 19}, {"TSTP", 20},  {"TTIN", 21}, {"TTOU", 22}, {"URG", 23},  {"XCPU", 24},
    {"XFSZ", 25}, {"VTALRM", 26}, {"PROF", 27}, {"WINCH", 28}, {"IO", 29},   {"PWR", 30},  {"SYS", 31},
}};

// The first line, or what there is at the end of the stream or of the time.
std::string readLine(int fd, milliseconds timeout) {
  auto deadline = std::chrono::steady_clock::now() + timeout;
  std::string line;
  while (line.size() < kMaxSyncLine && line.find('\n') == std::string::npos) {
    auto left = std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd entry{fd, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&entry, 1, static_cast<int>(left.count())) <= 0) break;
    char buffer[4096];
    ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count <= 0) break;
    line.append(buffer, static_cast<size_t>(count));
  }
  return line;
}

// crun prints a time, a level and the message; the message is what is wanted.
std::string lastLine(std::string_view text) {
  text = base::trim(text);
  size_t newline = text.rfind('\n');
  return std::string(newline == std::string_view::npos ? text : text.substr(newline + 1));
}

std::optional<pid_t> readPid(const std::string& file) {
  auto text = base::readFileIfExists(file);
  return text ? base::parseInt<pid_t>(base::trim(*text)) : std::nullopt;
}

// Process ids of the conmon and crun programs that have this container's id among their arguments.
std::vector<pid_t> creatorsOf(const std::string& id) {
  std::vector<pid_t> pids;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    auto pid = base::parseInt<pid_t>(entry.path().filename().string());
    if (!pid) continue;
    std::optional<std::string> commandLine;
    try {
      commandLine = base::readFileIfExists(entry.path().string() + "/cmdline");
    } catch (const std::system_error&) {
      continue;  // it ended while we looked
    }
    if (!commandLine) continue;
    std::string_view program = base::split(*commandLine, '\0')[0];
    bool ours = program.ends_with("conmon") || program.ends_with("crun");
    if (ours && commandLine->find(id) != std::string::npos) pids.push_back(*pid);
  }
  return pids;
}

// Until there are none: the one that dies may just have started another.
void killCreators(const std::string& id) {
  constexpr int kGenerations = 10;
  for (int i = 0; i < kGenerations; ++i) {
    auto pids = creatorsOf(id);
    if (pids.empty()) return;
    for (pid_t pid : pids) {
      base::Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
      if (!process || ::kill(pid, SIGKILL) != 0) continue;
      pollfd ended{process.get(), POLLIN, 0};
      ::poll(&ended, 1, 1000);
    }
  }
}

std::vector<std::string> conmonArguments(const CreateContainer& request, const RuntimePaths& paths) {
  std::vector<std::string> argv = {"conmon",
                                   "--api-version",
                                   "1",
                                   "-c",
                                   request.id,
                                   "-u",
                                   request.id,
                                   "-n",
                                   request.name,
                                   "-r",
                                   base::findProgram("crun").value_or("/usr/bin/crun"),
                                   "-b",
                                   request.bundle,
                                   "-p",
                                   request.bundle + "/pidfile",
                                   "-P",
                                   request.bundle + "/conmon.pid",
                                   "-l",
                                   "k8s-file:" + request.log,
                                   "--log-size-max",
                                   kMostLog,
                                   "--exit-dir",
                                   paths.exits,
                                   "--full-attach",
                                   "--socket-dir-path",
                                   request.bundle,
                                   "--no-new-keyring",
                                   "--log-level",
                                   "error",
                                   "--runtime-arg",
                                   "--root=" + paths.state};
  if (request.terminal) argv.push_back("-t");
  if (request.stdin) argv.push_back("-i");
  if (request.stdin && !request.stdinOnce) argv.push_back("--leave-stdin-open");
  return argv;
}

}  // namespace

pid_t parseSyncLine(std::string_view line) {
  json::Value report;
  try {
    report = json::parse(base::trim(line));
  } catch (const json::ParseError&) {
    throw RuntimeError("conmon ended without a word");
  }
  auto pid = static_cast<pid_t>(json::getInt(report, "data", -1));
  if (pid > 0) return pid;
  throw StartError(lastLine(json::getString(report, "message", "conmon could not create the container")));
}

std::optional<int> parseSignal(std::string_view text) {
  if (auto number = base::parseInt<int>(text)) return *number > 0 && *number < 65 ? number : std::nullopt;
  if (text.starts_with("SIG")) text.remove_prefix(3);
  for (auto [name, number] : kSignals) {
    if (name == text) return number;
  }
  return std::nullopt;
}

Crun::Crun(RuntimePaths paths, linux::Cgroups cgroups) : paths_(std::move(paths)), cgroups_(std::move(cgroups)) {
  base::makeDirectories(paths_.state, 0711);
  base::makeDirectories(paths_.exits, 0700);
}

pid_t Crun::create(const CreateContainer& request) const {
  forgetExit(request.id);
  base::Pipe sync = base::makePipe();
  base::Command command{.argv = conmonArguments(request, paths_),
                        .environment = {fmt::format("_OCI_SYNCPIPE={}", kSyncFd)},
                        .directory = request.bundle,  // where it drops a file when memory runs out
                        .inherit = {{kSyncFd, sync.write.get()}},
                        .timeout = kCreateTimeout};
  base::Finished conmon;
  try {
    conmon = base::run(command);
    base::faultPoint("conmon-started");
  } catch (const std::system_error& error) {
    throw RuntimeError(fmt::format("conmon can't be run ({}): install the package conmon", error.code().message()));
  }
  sync.write.reset();
  if (!conmon.ok()) throw RuntimeError("conmon: " + lastLine(conmon.err));
  if (auto monitor = readPid(request.bundle + "/conmon.pid")) {
    try {
      linux::moveToCgroup(cgroups_, kConmonCgroup, *monitor);
      base::faultPoint("conmon-moved");
    } catch (const std::system_error&) {
      // It has ended already, and says why on the pipe.
    }
  }
  return parseSyncLine(readLine(sync.read.get(), kCreateTimeout));
}

base::Finished Crun::crun(std::vector<std::string> arguments, milliseconds timeout, std::stop_token stop) const {
  std::vector<std::string> argv = {"crun", "--root", paths_.state};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  try {
    return base::run({.argv = std::move(argv), .timeout = timeout, .stop = std::move(stop)});
  } catch (const std::system_error& error) {
    throw RuntimeError(fmt::format("crun can't be run ({}): install the package crun", error.code().message()));
  }
}

void Crun::createUnmonitored(const std::string& id, const std::string& bundle) const {
  auto finished = crun({"create", "--bundle", bundle, "--pid-file", bundle + "/pidfile", id}, kCreateTimeout);
  if (!finished.ok()) throw RuntimeError(lastLine(finished.err));
}

void Crun::start(const std::string& id) const {
  auto finished = crun({"start", id}, kRuntimeTimeout);
  if (!finished.ok()) throw StartError(lastLine(finished.err));
}

void Crun::remove(const std::string& id) const {
  if (!std::filesystem::exists(paths_.state + "/" + id)) return;
  auto finished = crun({"delete", "--force", id}, kRuntimeTimeout);
  if (finished.ok() || !std::filesystem::exists(paths_.state + "/" + id)) return;
  // Half created: crun can't tell what it is any more.
  killCreators(id);
  std::filesystem::remove_all(paths_.state + "/" + id);
}

void Crun::abandon(const std::string& id) const {
  killCreators(id);
  remove(id);
}

std::vector<std::string> Crun::list() const {
  std::vector<std::string> ids;
  for (const auto& entry : std::filesystem::directory_iterator(paths_.state)) {
    std::string name = entry.path().filename().string();
    if (entry.is_directory() && !name.starts_with('.')) ids.push_back(name);
  }
  return ids;
}

base::Finished Crun::exec(const std::string& id, const std::vector<std::string>& argv, milliseconds timeout,
                          std::stop_token stop) const {
  std::vector<std::string> arguments = {"exec", id};
  arguments.insert(arguments.end(), argv.begin(), argv.end());
  return crun(std::move(arguments), timeout, std::move(stop));
}

std::optional<pid_t> Crun::findProcess(const std::string& bundle, std::string_view cgroupsPath) const {
  auto pid = readPid(bundle + "/pidfile");
  return pid && linux::isInCgroup(*pid, cgroupsPath) ? pid : std::nullopt;
}

base::Fd Crun::openPidNamespace(const std::string& bundle, std::string_view cgroupsPath) const {
  auto pid = readPid(bundle + "/pidfile");
  base::Fd process(pid ? static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0)) : -1);
  if (!process) return {};
  base::Fd ns(::open(fmt::format("/proc/{}/ns/pid", *pid).c_str(), O_RDONLY | O_CLOEXEC));
  // Asked after it was opened: it is the right one if the right process lives still, and is no zombie.
  pollfd ended{process.get(), POLLIN, 0};
  bool lives = linux::isInCgroup(*pid, cgroupsPath) && ::poll(&ended, 1, 0) == 0;
  return ns && lives ? std::move(ns) : base::Fd();
}

bool Crun::isMonitored(const std::string& id, const std::string& bundle) const {
  auto pid = readPid(bundle + "/conmon.pid");
  if (!pid) return false;
  auto commandLine = base::readFileIfExists(fmt::format("/proc/{}/cmdline", *pid)).value_or("");
  return commandLine.find(id) != std::string::npos;
}

base::Fd Crun::openMonitor(const std::string& id, const std::string& bundle) const {
  auto pid = readPid(bundle + "/conmon.pid");
  if (!pid) return {};
  // Opened before the check, so that it can't be a process that came later.
  base::Fd process(static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0)));
  return isMonitored(id, bundle) ? std::move(process) : base::Fd();
}

void Crun::waitUnmonitored(const std::string& id, const std::string& bundle) const {
  constexpr int kAtMost = 5000;  // milliseconds; it has nothing left to do but to write the exit file
  base::Fd process = openMonitor(id, bundle);
  if (!process) return;
  pollfd ended{process.get(), POLLIN, 0};
  ::poll(&ended, 1, kAtMost);
}

bool Crun::signal(const std::string& bundle, std::string_view cgroupsPath, int number) const {
  auto pid = readPid(bundle + "/pidfile");
  if (!pid) return false;
  // The descriptor is opened before the check, so that the signal can't reach a process that came later.
  base::Fd process(static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0)));
  if (!process || !linux::isInCgroup(*pid, cgroupsPath)) return false;
  return ::syscall(SYS_pidfd_send_signal, process.get(), number, nullptr, 0) == 0;
}

std::optional<ContainerExit> Crun::findExit(const std::string& id, std::string_view cgroupsPath) const {
  std::string file = paths_.exits + "/" + id;
  auto text = base::readFileIfExists(file);
  auto code = text ? base::parseInt<int>(base::trim(*text)) : std::nullopt;
  struct stat status {};
  if (!code || ::stat(file.c_str(), &status) != 0) return std::nullopt;
  auto sinceEpoch = std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec);
  ContainerExit out{*code, {}, linux::oomKills(cgroups_, cgroupsPath) > 0};
  out.at += std::chrono::duration_cast<std::chrono::system_clock::duration>(sinceEpoch);
  return out;
}

void Crun::forgetExit(const std::string& id) const { ::unlink((paths_.exits + "/" + id).c_str()); }

}  // namespace wherry::kubelet
