#include "kubelet/runtime/leftovers.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strings.h"
#include "kubelet/runtime/containers.h"

namespace wherry::kubelet {
namespace {

constexpr std::chrono::seconds kEndWithin{5};
constexpr int kGenerations = 20;  // who is killed may just have started another

void addUidBelow(std::string_view target, const std::string& directory, std::set<std::string>& into) {
  if (!target.starts_with(directory + "/")) return;
  target.remove_prefix(directory.size() + 1);
  std::string_view uid = target.substr(0, target.find('/'));
  if (!uid.empty()) into.emplace(uid);
}

bool sharesMountsWithUs(pid_t pid) {
  struct stat theirs {
  }, ours{};
  return ::stat(fmt::format("/proc/{}/ns/mnt", pid).c_str(), &theirs) == 0 && ::stat("/proc/self/ns/mnt", &ours) == 0 &&
         theirs.st_ino == ours.st_ino;
}

std::string readCommandLine(pid_t pid) {
  try {
    return base::readFileIfExists(fmt::format("/proc/{}/cmdline", pid)).value_or("");
  } catch (const std::system_error&) {
    return "";  // it ended while we looked
  }
}

void awaitEnds(const std::vector<base::Fd>& processes, std::chrono::milliseconds atMost) {
  auto deadline = std::chrono::steady_clock::now() + atMost;
  for (const base::Fd& process : processes) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd ended{process.get(), POLLIN, 0};
    ::poll(&ended, 1, static_cast<int>(std::max<int64_t>(left.count(), 0)));
  }
}

}  // namespace

std::set<std::string> podsWithMounts(const std::vector<linux::Mount>& mounts, const std::string& dataDir,
                                     const std::string& runDir) {
  std::set<std::string> uids;
  for (const linux::Mount& mount : mounts) {
    addUidBelow(mount.target, dataDir + "/pods", uids);
    addUidBelow(mount.target, runDir + "/ns", uids);
  }
  return uids;
}

std::optional<RuntimeProgram> parseRuntimeProgram(std::string_view commandLine, std::string_view state) {
  auto arguments = base::split(commandLine, '\0');
  std::string_view program = arguments.front();
  if (!program.ends_with("conmon") && !program.ends_with("crun")) return std::nullopt;
  RuntimeProgram found;
  bool ours = false;
  for (size_t i = 1; i < arguments.size(); ++i) {
    std::string_view argument = arguments[i];
    ours = ours || argument == state || (argument.starts_with("--root=") && argument.substr(7) == state);
    if (found.container.empty() && (arguments[i - 1] == "-c" || Containers::uidOf(argument))) {
      found.container = argument;
    }
  }
  return ours ? std::optional(found) : std::nullopt;
}

std::vector<RuntimeProgram> findRuntimePrograms(const std::string& state) {
  std::vector<RuntimeProgram> programs;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    auto pid = base::parseInt<pid_t>(entry.path().filename().string());
    if (!pid) continue;
    auto program = parseRuntimeProgram(readCommandLine(*pid), state);
    if (!program || !sharesMountsWithUs(*pid)) continue;
    program->pid = *pid;
    programs.push_back(std::move(*program));
  }
  return programs;
}

void endProcesses(const std::vector<pid_t>& pids, std::chrono::milliseconds grace) {
  std::vector<base::Fd> processes;
  for (pid_t pid : pids) {
    base::Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (process) processes.push_back(std::move(process));
  }
  awaitEnds(processes, grace);
  for (const base::Fd& process : processes) ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
  awaitEnds(processes, kEndWithin);
}

void endCgroup(const linux::Cgroups& cgroups, std::string_view path) {
  for (int i = 0; i < kGenerations; ++i) {
    auto pids = linux::cgroupProcesses(cgroups, path);
    if (pids.empty()) return;
    endProcesses(pids);
  }
}

}  // namespace wherry::kubelet
