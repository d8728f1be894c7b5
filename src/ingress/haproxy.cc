#include "ingress/haproxy.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <future>
#include <regex>
#include <thread>

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/strings.h"
#include "base/subprocess.h"

namespace wherry::ingress {
namespace {

namespace fs = std::filesystem;

const base::Log kLog("ingress");

constexpr mode_t kPrivate = 0600;
constexpr size_t kLongestWords = 500;
constexpr int kPatienceMs = 5000;

std::string pidFile(const std::string& directory) { return directory + "/haproxy.pid"; }
std::string configurationFile(const std::string& directory) { return directory + "/haproxy.cfg"; }

// What is its own of each HAProxy, while two of them run.
std::string socketFile(const std::string& directory, const std::string& name) {
  return fmt::format("{}/admin.{}.sock", directory, name);
}
std::string socketConfiguration(const std::string& directory, const std::string& name) {
  return fmt::format("{}/admin.{}.cfg", directory, name);
}

struct Running {
  pid_t pid = 0;  // 0: none
  std::string name;
};

// "a" or "b" of a HAProxy with this directory; "" of other programs.
std::string nameOf(pid_t pid, const std::string& directory) {
  auto commandLine = base::readFileIfExists(fmt::format("/proc/{}/cmdline", pid));
  for (const char* name : {"a", "b"}) {
    if (commandLine && commandLine->find(socketConfiguration(directory, name)) != std::string::npos) return name;
  }
  return "";
}

// The process of the file, if it is a HAProxy with this directory and no other program that got its number.
Running findRunning(const std::string& directory) {
  auto text = base::readFileIfExists(pidFile(directory));
  pid_t pid = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), pid).ec != std::errc() || pid <= 1) return {};
  std::string name = nameOf(pid, directory);
  return {name.empty() ? 0 : pid, name};
}

base::Fd openProcess(pid_t pid) { return base::Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

void signalProcess(const base::Fd& process, int signal) {
  if (process) ::syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0);
}

bool hasEnded(const base::Fd& process) {
  pollfd waiting{.fd = process.get(), .events = POLLIN, .revents = 0};
  return !process || ::poll(&waiting, 1, 0) != 0;
}

void writeFiles(const Shape& shape, const std::string& directory) {
  for (const auto* files : {&shape.files, &shape.certificates}) {
    for (const auto& [name, content] : *files) {
      fs::path path = fs::path(directory) / name;
      base::makeDirectories(path.parent_path(), 0700);
      base::writeFileAtomic(path, content, kPrivate);
    }
  }
}

}  // namespace

// Hears of the end of a process.
struct HAProxy::Watch {
  Watch(base::Fd p, std::function<void()> onEnd)
      : process(std::move(p)), wake(::eventfd(0, EFD_CLOEXEC)), thread([this, onEnd = std::move(onEnd)] {
          std::array<pollfd, 2> waiting{pollfd{process.get(), POLLIN, 0}, pollfd{wake.get(), POLLIN, 0}};
          while (::poll(waiting.data(), waiting.size(), -1) < 0 && errno == EINTR) {
          }
          if (waiting[1].revents == 0 && !isReplaced) onEnd();
        }) {}
  ~Watch() { ::eventfd_write(wake.get(), 1); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  base::Fd process;
  base::Fd wake;
  std::atomic<bool> isReplaced = false;  // its end is on the way
  std::jthread thread;
};

HAProxy::HAProxy(const Settings& settings, std::function<void()> onEnd, int accessLog)
    : settings_(settings), onEnd_(std::move(onEnd)), accessLog_(accessLog) {
  Running found = findRunning(settings_.directory);
  runs_ = found.name;
  if (found.pid != 0) watch(found.pid);
}

HAProxy::~HAProxy() = default;

void HAProxy::watch(pid_t pid) {
  base::Fd process = openProcess(pid);
  watch_ = process ? std::make_unique<Watch>(std::move(process), onEnd_) : nullptr;
}

bool HAProxy::running() const { return watch_ && !hasEnded(watch_->process); }

AdminSocket HAProxy::admin() const { return AdminSocket(socketFile(settings_.directory, runs_)); }

std::optional<Refusal> HAProxy::load(const Shape& shape, const std::string& configuration,
                                     const std::function<void()>& waiting, const std::function<void()>& wake) {
  const std::string& directory = settings_.directory;
  base::makeDirectories(directory, 0700);
  base::makeDirectories(directory + "/empty", 0755);
  writeFiles(shape, directory);
  std::string file = configurationFile(directory), next = pidFile(directory) + ".next";
  base::writeFileAtomic(file, configuration, kPrivate);
  Running before = running() ? findRunning(directory) : Running();
  std::string name = before.name == "a" ? "b" : "a";
  std::string socket = socketConfiguration(directory, name);
  base::writeFileAtomic(
      socket,
      fmt::format("global\n  stats socket {} mode 600 level admin expose-fd listeners\n", socketFile(directory, name)),
      kPrivate);
  base::Command command;
  command.argv = {"haproxy", "-D", "-f", socket, "-f", file, "-p", next};
  if (before.pid != 0) {
    std::vector<std::string> takeOver = {"-x", socketFile(directory, before.name), "-sf", std::to_string(before.pid)};
    command.argv.insert(command.argv.end(), takeOver.begin(), takeOver.end());
    watch_->isReplaced = true;
  }
  command.directory = directory;
  if (accessLog_ >= 0) command.inherit[kAccessLog] = accessLog_;
  std::atomic<bool> hasStarted = false;
  auto starting = std::async(std::launch::async, [&] {
    base::Finished finished = base::run(command);
    hasStarted = true;
    wake();
    return finished;
  });
  while (!hasStarted) waiting();
  base::Finished finished = starting.get();
  if (!finished.ok()) {
    if (watch_) watch_->isReplaced = false;
    return readRefusal(finished.timedOut ? "it did not start in time" : finished.err, file);
  }
  if (!finished.err.empty()) kLog.warn("haproxy: {}", readRefusal(finished.err, file).words);
  watch_.reset();
  fs::rename(next, pidFile(directory));
  runs_ = name;
  watch(findRunning(directory).pid);
  return std::nullopt;
}

void HAProxy::replaceCertificate(const std::string& name, const std::string& pem) const {
  std::string path = fmt::format("{}/{}", settings_.directory, name);
  base::writeFileAtomic(path, pem, kPrivate);
  std::string text;  // an empty line would end it
  for (std::string_view line : base::split(pem, '\n')) {
    if (!line.empty()) text.append(line).append(1, '\n');
  }
  AdminSocket socket = admin();
  std::string answer = socket.ask(fmt::format("set ssl cert {} <<\n{}", path, text));
  if (answer.find("Transaction") == std::string::npos) throw std::runtime_error(answer);
  answer = socket.ask(fmt::format("commit ssl cert {}", path));
  if (answer.find("Success") == std::string::npos) throw std::runtime_error(answer);
}

void HAProxy::stop() {
  if (!watch_) return;
  auto ending = std::move(watch_);
  ending->isReplaced = true;
  signalProcess(ending->process, SIGUSR1);
  std::error_code ignored;
  fs::remove(pidFile(settings_.directory), ignored);
}

// Also those that were replaced and wait for their last connection: their numbers stand nowhere. Each is shut up in our
// directory: one with a directory of the same name elsewhere (in another container) is none of ours.
void endHAProxy(const std::string& directory) {
  std::vector<base::Fd> processes;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc()) continue;
    base::Fd process = openProcess(pid);  // first, so that its number can't become another's
    std::error_code gone;
    bool isShutUp = fs::equivalent(entry.path() / "root", directory + "/empty", gone) && !gone;
    if (isShutUp && !nameOf(pid, directory).empty()) processes.push_back(std::move(process));
  }
  for (const base::Fd& process : processes) signalProcess(process, SIGTERM);
  for (const base::Fd& process : processes) {
    pollfd ending{.fd = process.get(), .events = POLLIN, .revents = 0};
    if (process && ::poll(&ending, 1, kPatienceMs) == 0) signalProcess(process, SIGKILL);
  }
}

// "[ALERT]    (7) : config : parsing [/dir/haproxy.cfg:45] : what is wrong". The first is what matters: others follow
// from it.
Refusal readRefusal(const std::string& words, const std::string& configurationFile) {
  static const std::regex prefix(R"(^\[(ALERT|WARNING)\] +\(\d+\) : (config : )?(parsing )?)");
  // Warnings say what is odd; where something is refused, an alert says what.
  const bool alerts = words.starts_with("[ALERT]") || words.find("\n[ALERT]") != std::string::npos;
  for (std::string_view line : base::split(words, '\n')) {
    if (line.starts_with("[NOTICE]") || line.empty()) continue;
    if (alerts && !line.starts_with("[ALERT]")) continue;
    Refusal refusal{.words = std::regex_replace(std::string(line), prefix, "")};
    std::string place = "[" + configurationFile + ":";
    if (size_t at = refusal.words.find(place); at != std::string::npos) {
      const char* digits = refusal.words.data() + at + place.size();
      std::from_chars(digits, refusal.words.data() + refusal.words.size(), refusal.line);
      size_t end = refusal.words.find(": ", refusal.words.find(']', at));  // "] : ", or of an .alert "]: "
      if (at == 0 && end != std::string::npos) refusal.words.erase(0, end + 2);
    }
    if (refusal.words.size() > kLongestWords) refusal.words.resize(kLongestWords);
    return refusal;
  }
  return {.words = "it ended without a word"};
}

}  // namespace wherry::ingress
