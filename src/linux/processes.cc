#include "linux/processes.h"

#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strings.h"

namespace wherry::linux {
namespace {

// What a process might be gone before: no text then.
std::string readOfProcess(const std::string& file) {
  try {
    return base::readFileIfExists(file).value_or("");
  } catch (const std::system_error&) {
    return {};  // it ended while we looked (ESRCH)
  }
}

// The descriptor is opened before the check, so that the signal can't reach a process that came later.
bool killIfInSession(pid_t pid, pid_t session) {
  base::Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  auto found = process ? findProcess(pid) : std::nullopt;
  if (!found || found->dead || found->session != session) return false;
  return ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0) == 0;
}

}  // namespace

// proc(5): "PID (comm) state ppid pgrp session ..."; comm may hold anything, also ")".
std::optional<Process> parseProcessStat(std::string_view stat) {
  size_t end = stat.rfind(')');
  auto pid = base::parseInt<pid_t>(stat.substr(0, stat.find(' ')));
  if (!pid || end == std::string_view::npos || end + 2 > stat.size()) return std::nullopt;
  auto fields = base::split(stat.substr(end + 2), ' ');
  if (fields.size() < 4) return std::nullopt;
  auto parent = base::parseInt<pid_t>(fields[1]), session = base::parseInt<pid_t>(fields[3]);
  if (!parent || !session) return std::nullopt;
  return Process{*pid, *parent, *session, fields[0] == "Z" || fields[0] == "X"};
}

std::optional<Process> findProcess(pid_t pid) {
  return parseProcessStat(readOfProcess(fmt::format("/proc/{}/stat", pid)));
}

std::vector<pid_t> listProcesses() {
  std::vector<pid_t> pids;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    if (auto pid = base::parseInt<pid_t>(entry.path().filename().string())) pids.push_back(*pid);
  }
  return pids;
}

std::vector<pid_t> childrenOf(pid_t pid) {
  std::vector<pid_t> children;
  // Not every kernel has this file (CONFIG_PROC_CHILDREN).
  std::string file = fmt::format("/proc/{0}/task/{0}/children", pid);
  if (::access(file.c_str(), R_OK) == 0) {
    std::string text = readOfProcess(file);
    for (std::string_view word : base::split(text, ' ')) {
      if (auto child = base::parseInt<pid_t>(word)) children.push_back(*child);
    }
    return children;
  }
  for (pid_t candidate : listProcesses()) {
    auto process = findProcess(candidate);
    if (process && process->parent == pid) children.push_back(candidate);
  }
  return children;
}

bool runDifferentPrograms(pid_t one, pid_t other) {
  struct stat first {
  }, second{};
  if (::stat(fmt::format("/proc/{}/exe", one).c_str(), &first) != 0) return false;
  if (::stat(fmt::format("/proc/{}/exe", other).c_str(), &second) != 0) return false;
  return first.st_dev != second.st_dev || first.st_ino != second.st_ino;
}

void killSession(pid_t session, const std::function<std::vector<pid_t>()>& candidates) {
  constexpr int kGenerations = 100;
  std::set<pid_t> killed;  // a process with a deadly signal starts no other
  for (int i = 0; i < kGenerations; ++i) {
    bool any = false;
    for (pid_t pid : candidates()) {
      if (!killed.contains(pid) && killIfInSession(pid, session)) any = killed.insert(pid).second;
    }
    if (!any) return;
  }
}

}  // namespace wherry::linux
