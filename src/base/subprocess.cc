#include "base/subprocess.h"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/strings.h"

namespace wherry::base {
namespace {

constexpr std::string_view kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string searchPath() {
  const char* path = ::getenv("PATH");
  return path && *path ? path : std::string(kDefaultPath);
}

// The child's descriptors are moved above this number first, so that no dup2 overwrites one that is still needed.
constexpr int kScratchFd = 100;

class SpawnActions {
 public:
  SpawnActions() { ::posix_spawn_file_actions_init(&actions_); }
  ~SpawnActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  void dup(int from, int to) { ::posix_spawn_file_actions_adddup2(&actions_, from, to); }
  void open(int to, const char* path, int flags) { ::posix_spawn_file_actions_addopen(&actions_, to, path, flags, 0); }
  void changeDirectory(const char* path) { ::posix_spawn_file_actions_addchdir_np(&actions_, path); }
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

class SpawnAttributes {
 public:
  SpawnAttributes() {
    ::posix_spawnattr_init(&attributes_);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~SpawnAttributes() { ::posix_spawnattr_destroy(&attributes_); }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  posix_spawnattr_t* get() { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

Fd duplicateAbove(int fd) {
  int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, kScratchFd);
  if (copy < 0) throwErrno("fcntl F_DUPFD");
  return Fd(copy);
}

pid_t posixSpawn(const Command& command, int in, int out, int err) {
  auto program = findProgram(command.argv.at(0));
  if (!program) throw std::system_error(ENOENT, std::generic_category(), command.argv.at(0));
  std::vector<std::string> argv = command.argv, environment = command.environment;
  bool hasPath = std::any_of(environment.begin(), environment.end(), [](auto& v) { return v.starts_with("PATH="); });
  if (!hasPath) environment.push_back("PATH=" + searchPath());

  SpawnActions actions;
  if (!command.directory.empty()) actions.changeDirectory(command.directory.c_str());
  std::vector<Fd> kept;
  auto give = [&](int ours, int theirs) {
    kept.push_back(duplicateAbove(ours));
    actions.dup(kept.back().get(), theirs);
  };
  if (in >= 0)
    give(in, 0);
  else
    actions.open(0, "/dev/null", O_RDONLY);
  give(out, 1);
  give(err, 2);
  for (auto [theirs, ours] : command.inherit) give(ours, theirs);

  SpawnAttributes attributes;
  pid_t pid = -1;
  int error = ::posix_spawn(&pid, program->c_str(), actions.get(), attributes.get(), pointers(argv).data(),
                            pointers(environment).data());
  if (error != 0) throw std::system_error(error, std::generic_category(), *program);
  return pid;
}

// Moves what is ready between the child and the three strings until the child's ends are closed or time is up.
class Pump {
 public:
  Pump(const Command& command, Fd in, Fd out, Fd err, Fd exited)
      : command_(command), in_(std::move(in)), out_(std::move(out)), err_(std::move(err)), exited_(std::move(exited)) {}

  // True when the child has ended; false at the deadline. What its own children still hold open is not waited for.
  bool run(Finished& finished) {
    auto deadline = std::chrono::steady_clock::now() + command_.timeout;
    for (;;) {
      pollfd fds[] = {
          {out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}, {exited_.get(), POLLIN, 0}, {in_.get(), POLLOUT, 0}};
      auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) return false;
      if (::poll(fds, 4, static_cast<int>(std::min<int64_t>(left.count() + 1, 1 << 30))) < 0 && errno != EINTR) {
        throwErrno("poll");
      }
      if (fds[0].revents) drain(out_, finished.out);
      if (fds[1].revents) drain(err_, finished.err);
      if (fds[3].revents) feed();
      if (fds[2].revents && !fds[0].revents && !fds[1].revents) return true;
    }
  }

 private:
  void drain(Fd& fd, std::string& into) {
    char buffer[16384];
    ssize_t count = ::read(fd.get(), buffer, sizeof buffer);
    if (count <= 0) return fd.reset();
    into.append(buffer, std::min(static_cast<size_t>(count), command_.outputLimit - into.size()));
  }

  void feed() {
    std::string_view left = std::string_view(command_.input).substr(fed_);
    ssize_t count = left.empty() ? 0 : ::write(in_.get(), left.data(), left.size());
    if (count > 0) fed_ += static_cast<size_t>(count);
    bool wait = count < 0 && (errno == EAGAIN || errno == EINTR);
    if (!wait && (count < 0 || fed_ == command_.input.size())) in_.reset();
  }

  const Command& command_;
  Fd in_, out_, err_, exited_;
  size_t fed_ = 0;
};

}  // namespace

std::optional<std::string> findProgram(const std::string& program) {
  if (program.find('/') != std::string::npos) {
    return ::access(program.c_str(), X_OK) == 0 ? std::optional(program) : std::nullopt;
  }
  for (std::string path = searchPath(); std::string_view directory : split(path, ':')) {
    std::string candidate = std::string(directory) + "/" + program;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return std::nullopt;
}

Child spawn(const Command& command, int in, int out, int err) {
  pid_t pid = posixSpawn(command, in, out, err);
  Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (process) return {pid, std::move(process)};
  int error = errno;
  ::kill(-pid, SIGKILL);
  reap(pid);
  throw std::system_error(error, std::generic_category(), "pidfd_open");
}

int reap(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

Finished run(const Command& command) {
  Pipe out = makePipe(), err = makePipe(), in;
  if (!command.input.empty()) {
    in = makePipe();
    ::fcntl(in.write.get(), F_SETFL, O_NONBLOCK);
  }
  auto [pid, exited] = spawn(command, in.read.get(), out.write.get(), err.write.get());
  in.read.reset();
  out.write.reset();
  err.write.reset();

  Finished finished;
  // The child is not waited for before this is gone, so its process id is still its own.
  std::optional<std::stop_callback<std::function<void()>>> killer;
  if (command.stop.stop_possible()) killer.emplace(command.stop, [group = pid] { ::kill(-group, SIGKILL); });
  Pump pump(command, std::move(in.write), std::move(out.read), std::move(err.read), std::move(exited));
  if (!pump.run(finished)) {
    finished.timedOut = true;
    ::kill(-pid, SIGKILL);
  }
  killer.reset();
  finished.exitCode = reap(pid);
  return finished;
}

}  // namespace wherry::base
