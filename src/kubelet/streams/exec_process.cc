#include "kubelet/streams/exec_process.h"

#include <algorithm>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encoding.h"
#include "base/random.h"
#include "base/strings.h"
#include "linux/cgroups.h"
#include "linux/processes.h"

namespace wherry::kubelet {
namespace {

constexpr int kProcessFd = 3;
constexpr int kLogFd = 4;
constexpr size_t kMaxLog = 16 << 10;

base::Fd nullDevice() {
  base::Fd fd(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!fd) base::throwErrno("open /dev/null");
  return fd;
}

// A file that has no name: nothing to clear, whatever happens.
base::Fd memoryFile(const std::string& content) {
  base::Fd fd(::memfd_create("process.json", MFD_CLOEXEC));
  if (!fd) base::throwErrno("memfd_create");
  base::writeAll(fd.get(), content, "process.json");
  return fd;
}

void setNonBlocking(const base::Fd& fd) {
  if (fd) ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
}

// So that the process may open its own /dev/stdout, whoever it runs as.
void giveTo(const base::Fd& fd, uid_t uid) {
  if (fd) [[maybe_unused]]
    int ignored = ::fchown(fd.get(), uid, static_cast<gid_t>(-1));
}

std::string readAvailable(int fd) {
  std::string text(kMaxLog, '\0');
  ssize_t count = ::read(fd, text.data(), text.size());
  text.resize(count > 0 ? static_cast<size_t>(count) : 0);
  return text;
}

// Whether the path leads that process to the same file as us: another server may have its own of that name, in other
// mounts.
bool seesSameFile(pid_t pid, const std::string& path) {
  struct stat ours {
  }, theirs{};
  if (::stat(path.c_str(), &ours) != 0) return false;
  if (::stat(fmt::format("/proc/{}/root{}", pid, path).c_str(), &theirs) != 0) return false;
  return ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

json::Value readConfig(const std::string& bundle) {
  try {
    return json::parse(base::readFile(bundle + "/config.json"));
  } catch (const std::exception& error) {
    throw RuntimeError(fmt::format("the container's configuration can't be read: {}", error.what()));
  }
}

std::vector<std::string> execArguments(const Crun& crun, const std::string& id, const std::string& consoleSocket) {
  std::vector<std::string> argv = {"crun", "--root", crun.paths().state, fmt::format("--log=/proc/self/fd/{}", kLogFd),
                                   "exec"};
  if (!consoleSocket.empty()) argv.push_back("--console-socket=" + consoleSocket);
  argv.push_back(fmt::format("--process=/proc/self/fd/{}", kProcessFd));
  argv.push_back(id);
  return argv;
}

void setVariable(json::Object& process, std::string_view name, std::string_view value) {
  json::Array env;
  if (const json::Value* own = process.if_contains("env"); own && own->is_array()) env = own->get_array();
  std::string prefix = fmt::format("{}=", name);
  auto isOlder = [&](const json::Value& line) {
    return line.is_string() && std::string_view(line.get_string()).starts_with(prefix);
  };
  env.erase(std::remove_if(env.begin(), env.end(), isOlder), env.end());
  env.push_back(json::Value(prefix + std::string(value)));
  process["env"] = std::move(env);
}

// Kills what this crun has started, with all of its session. Returns that session; 0 while it has none of its own,
// for crun is still preparing it.
pid_t killBelow(pid_t crun, const std::function<std::vector<pid_t>()>& candidates) {
  auto parent = linux::findProcess(crun);
  pid_t session = 0;
  for (pid_t pid : linux::childrenOf(crun)) {
    auto child = linux::findProcess(pid);
    if (!parent || !child) continue;
    if (child->session == parent->session) {
      ::kill(pid, SIGKILL);
    } else {
      session = child->session;
      linux::killSession(session, candidates);
    }
  }
  return session;
}

}  // namespace

json::Value renderExecProcess(const json::Value& config, const std::vector<std::string>& command, bool terminal) {
  const json::Value* own = json::find(config, "process");
  json::Object process = own && own->is_object() ? own->get_object() : json::Object{};
  json::Array args;
  for (const std::string& word : command) args.push_back(json::Value(word));
  process["args"] = std::move(args);
  process["terminal"] = terminal;
  if (terminal) setVariable(process, "TERM", "xterm");
  return process;
}

std::string execFailure(const std::vector<std::string>& command, std::string_view message) {
  std::string program = command.empty() ? std::string() : command.front();
  std::string_view line = base::trim(message);
  if (size_t newline = line.rfind('\n'); newline != std::string_view::npos) line.remove_prefix(newline + 1);
  std::string why(line);
  bool isPath = program.find('/') != std::string::npos;
  if (line.find("not found") != std::string_view::npos) {
    why = isPath ? fmt::format("exec: \"{0}\": stat {0}: no such file or directory", program)
                 : fmt::format("exec: \"{}\": executable file not found in $PATH", program);
  } else if (line.find("open executable") != std::string_view::npos) {
    why = fmt::format("exec: \"{}\": permission denied", program);
  }
  return fmt::format(
      "failed to exec in container: failed to start exec \"{}\": OCI runtime exec failed: exec failed: unable to start "
      "container process: {}: unknown",
      base::encodeHex(base::randomBytes(32)), why);
}

ExecProcess::ExecProcess(const Crun& crun, ExecTarget target, const client::ProcessOptions& options,
                         const std::string& consoleSocket)
    : crun_(crun), target_(std::move(target)) {
  json::Value process = renderExecProcess(readConfig(target_.bundle), options.command, options.tty);
  auto uid = static_cast<uid_t>(json::getInt(process, "user.uid", 0));
  base::Fd null = nullDevice(), spec = memoryFile(json::serialize(process));
  base::Pipe log = base::makePipe(), input, output, errors;
  if (options.stdin && !options.tty) input = base::makePipe();
  if (options.stdout && !options.tty) output = base::makePipe();
  if (options.stderr && !options.tty) errors = base::makePipe();
  for (const base::Fd* fd : {&input.read, &output.write, &errors.write}) giveTo(*fd, uid);
  auto or0 = [&](const base::Fd& fd) { return fd ? fd.get() : null.get(); };
  base::Command command{.argv = execArguments(crun_, target_.id, options.tty ? consoleSocket : ""),
                        .inherit = {{kProcessFd, spec.get()}, {kLogFd, log.write.get()}}};
  child_ = base::spawn(command, or0(input.read), or0(output.write), or0(errors.write));
  log_ = std::move(log.read);
  in = std::move(input.write);
  out = std::move(output.read);
  err = std::move(errors.read);
  for (const base::Fd* fd : {&in, &out, &err, &log_}) setNonBlocking(*fd);
}

ExecProcess::~ExecProcess() {
  if (reaped_) return;
  kill();
  reap();
}

bool ExecProcess::hasStarted() const {
  for (pid_t child : linux::childrenOf(child_.pid)) {
    if (linux::runDifferentPrograms(child, child_.pid)) return true;
  }
  return false;
}

std::vector<pid_t> ExecProcess::groupProcesses() const {
  return linux::cgroupProcesses(crun_.cgroups(), target_.cgroup);
}

void ExecProcess::kill() {
  if (reaped_) return;
  session_ = killBelow(child_.pid, [this] { return groupProcesses(); });
  ::kill(child_.pid, SIGKILL);
}

ExecProcess::End ExecProcess::reap() {
  End end{.exitCode = base::reap(child_.pid), .failure = readAvailable(log_.get())};
  reaped_ = true;
  // What was started while the others died.
  if (session_ > 0) linux::killSession(session_, [this] { return groupProcesses(); });
  return end;
}

void killForsakenExecs(const Crun& crun) {
  for (pid_t pid : linux::listProcesses()) {
    std::string commandLine;
    try {
      commandLine = base::readFileIfExists(fmt::format("/proc/{}/cmdline", pid)).value_or("");
    } catch (const std::system_error&) {
      continue;  // it ended while we looked
    }
    auto argv = base::split(commandLine, '\0');
    bool ours = argv.size() > 3 && argv[0].ends_with("crun") && argv[1] == "--root" && argv[2] == crun.paths().state;
    bool execs = ours && (argv[3] == "exec" || argv[4] == "exec");
    if (!execs || !seesSameFile(pid, crun.paths().state)) continue;
    killBelow(pid, linux::listProcesses);
    ::kill(pid, SIGKILL);
  }
}

}  // namespace wherry::kubelet
