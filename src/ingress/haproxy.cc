#include "ingress/haproxy.h"

#include <algorithm>
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
#include "ingress/haproxy_account.h"

namespace wherry::ingress {
namespace {

namespace fs = std::filesystem;

const base::Log kLog("ingress");

constexpr mode_t kPrivate = 0600;
constexpr size_t kLongestWords = 500;
constexpr int kPatienceMs = 5000;
constexpr std::string_view kSocketWords = "stats socket ";

std::string pidFile(const std::string& directory) { return directory + "/haproxy.pid"; }
// Of one that is being started.
std::string nextPidFile(const std::string& directory) { return pidFile(directory) + ".next"; }
std::string configurationFile(const std::string& directory) { return directory + "/haproxy.cfg"; }

// What is its own of each HAProxy, while two of them run. One that is not root when it starts has a directory for its
// socket, in which root writes nothing.
std::string socketDirectory(const std::string& directory, Start start) {
  return start == Start::kAsRoot ? directory : directory + "/sockets";
}
std::string socketConfiguration(const std::string& directory, const std::string& name) {
  return fmt::format("{}/admin.{}.cfg", directory, name);
}

struct Running {
  pid_t pid = 0;  // 0: none
  std::string name;
  std::string socket;
};

// "a" or "b" of a HAProxy with this directory; "" of other programs.
std::string nameOf(pid_t pid, const std::string& directory) {
  auto commandLine = base::readFileIfExists(fmt::format("/proc/{}/cmdline", pid));
  for (const char* name : {"a", "b"}) {
    if (commandLine && commandLine->find(socketConfiguration(directory, name)) != std::string::npos) return name;
  }
  return "";
}

std::string socketIn(const std::string& configuration) {
  size_t at = configuration.find(kSocketWords);
  if (at == std::string::npos) return "";
  at += kSocketWords.size();
  return configuration.substr(at, configuration.find(' ', at) - at);
}

// The process of the file, if it is a HAProxy with this directory and no other program that got its number.
Running findRunning(const std::string& directory) {
  auto text = base::readFileIfExists(pidFile(directory));
  pid_t pid = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), pid).ec != std::errc() || pid <= 1) return {};
  std::string name = nameOf(pid, directory);
  if (name.empty()) return {};
  return {pid, name, socketIn(base::readFileIfExists(socketConfiguration(directory, name)).value_or(""))};
}

base::Fd openProcess(pid_t pid) { return base::Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

void signalProcess(const base::Fd& process, int signal) {
  if (process) ::syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0);
}

bool hasEnded(const base::Fd& process) {
  pollfd waiting{.fd = process.get(), .events = POLLIN, .revents = 0};
  return !process || ::poll(&waiting, 1, 0) != 0;
}

void writeReadable(const std::string& path, const std::string& content, const Account& account) {
  base::writeFileAtomic(path, content, kPrivate);
  account.letRead(path);
}

void writeFiles(const Shape& shape, const std::string& directory, const Account& account) {
  for (const auto* files : {&shape.files, &shape.certificates}) {
    for (const auto& [name, content] : *files) {
      fs::path path = fs::path(directory) / name;
      base::makeDirectories(path.parent_path(), 0700);
      account.letRead(path.parent_path());
      writeReadable(path, content, account);
    }
  }
}

bool isSame(const fs::path& one, const fs::path& other) {
  std::error_code gone;
  return fs::equivalent(one, other, gone) && !gone;
}

// Shut up in our directory or, as its user from the start, at work in it. One with a directory of the same name
// elsewhere (in another container) is none of ours.
bool isAtHomeIn(const std::string& directory, const fs::path& process) {
  return isSame(process / "root", directory + "/empty") || isSame(process / "cwd", directory);
}

// It says so of each start that is not root's, whatever privileges it has.
std::string withoutExpected(const std::string& words) {
  std::string rest;
  for (std::string_view line : base::split(words, '\n')) {
    bool isExpected = line.find("options which require full privileges might not work") != std::string_view::npos;
    if (!isExpected && !line.empty() && !line.starts_with("[NOTICE]")) rest.append(line).append(1, '\n');
  }
  return rest;
}

}  // namespace

// Hears of the end of a process.
struct HAProxy::Watch {
  Watch(base::Fd p, bool preserves, const Listener& listener)
      : process(std::move(p)), preservesClientIp(preserves), wake(::eventfd(0, EFD_CLOEXEC)), thread([this, listener] {
          std::array<pollfd, 2> waiting{pollfd{process.get(), POLLIN, 0}, pollfd{wake.get(), POLLIN, 0}};
          while (::poll(waiting.data(), waiting.size(), -1) < 0 && errno == EINTR) {
          }
          if (waiting[1].revents != 0) return;
          if (!isReplaced) return listener.onEnd();
          if (preservesClientIp && listener.onFormerEnd) listener.onFormerEnd();
        }) {}
  ~Watch() { ::eventfd_write(wake.get(), 1); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  base::Fd process;
  const bool preservesClientIp;
  base::Fd wake;
  std::atomic<bool> isReplaced = false;  // its end is on the way
  std::jthread thread;
};

HAProxy::HAProxy(const Settings& settings, Listener listener, int accessLog)
    : settings_(settings), listener_(std::move(listener)), accessLog_(accessLog) {
  Running found = findRunning(settings_.directory);
  socket_ = found.socket;
  if (found.pid != 0)
    watch(found.pid, found.socket.starts_with(socketDirectory(settings_.directory, Start::kAsItsUser)));
}

HAProxy::~HAProxy() = default;

void HAProxy::watch(pid_t pid, bool preservesClientIp) {
  base::Fd process = openProcess(pid);
  watch_ = process ? std::make_unique<Watch>(std::move(process), preservesClientIp, listener_) : nullptr;
}

// The one that is there has been told to end.
void HAProxy::retire() {
  std::erase_if(former_, [](const auto& each) { return hasEnded(each->process); });
  if (watch_ && watch_->preservesClientIp) former_.push_back(std::move(watch_));
  watch_.reset();
}

bool HAProxy::preservesClientIp() const {
  auto does = [](const auto& each) { return each->preservesClientIp && !hasEnded(each->process); };
  return (watch_ && does(watch_)) || std::any_of(former_.begin(), former_.end(), does);
}

bool HAProxy::running() const { return watch_ && !hasEnded(watch_->process); }

AdminSocket HAProxy::admin() const { return AdminSocket(socket_); }

// What one is started with, on disk: all of it before the first look at its command line.
struct HAProxy::Launch {
  std::string socket;
  std::vector<std::string> argv;
};

HAProxy::Launch HAProxy::prepare(const Shape& shape, const std::string& configuration, const std::string& name) const {
  const std::string& directory = settings_.directory;
  const Start start = shape.preservesClientIp ? Start::kAsItsUser : Start::kAsRoot;
  const Account account(settings_, start);
  base::makeDirectories(directory, 0700);
  account.letRead(directory);
  base::makeDirectories(directory + "/empty", 0755);
  writeFiles(shape, directory, account);
  writeReadable(configurationFile(directory), configuration, account);
  base::writeFileAtomic(nextPidFile(directory), "", kPrivate);
  account.letWrite(nextPidFile(directory));
  std::string sockets = socketDirectory(directory, start), own = socketConfiguration(directory, name);
  if (start == Start::kAsItsUser) {
    base::makeDirectories(sockets, 0700);
    account.letWrite(sockets);
  }
  Launch launch{fmt::format("{}/admin.{}.sock", sockets, name), launcherWords(settings_, start)};
  // The socket is its user's, who may be who takes it over.
  writeReadable(own,
                fmt::format("global\n  {}{} user {} mode 600 level admin expose-fd listeners\n", kSocketWords,
                            launch.socket, settings_.user),
                account);
  for (const std::string& word : {std::string("haproxy"), std::string("-D"), std::string("-f"), own, std::string("-f"),
                                  configurationFile(directory), std::string("-p"), nextPidFile(directory)}) {
    launch.argv.push_back(word);
  }
  return launch;
}

std::optional<Refusal> HAProxy::load(const Shape& shape, const std::string& configuration,
                                     const std::function<void()>& waiting, const std::function<void()>& wake) {
  const std::string& directory = settings_.directory;
  Running before = running() ? findRunning(directory) : Running();
  Launch launch = prepare(shape, configuration, before.name == "a" ? "b" : "a");
  base::Command command;
  command.argv = launch.argv;
  command.directory = directory;
  if (before.pid != 0) {
    for (const std::string& word : {std::string("-x"), before.socket, std::string("-sf"), std::to_string(before.pid)}) {
      command.argv.push_back(word);
    }
    watch_->isReplaced = true;
  }
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
  const std::string file = configurationFile(directory);
  if (!finished.ok()) {
    if (watch_) watch_->isReplaced = false;
    return readRefusal(finished.timedOut ? "it did not start in time" : finished.err, file);
  }
  if (std::string words = withoutExpected(finished.err); !words.empty()) {
    kLog.warn("haproxy: {}", readRefusal(words, file).words);
  }
  retire();
  fs::rename(nextPidFile(directory), pidFile(directory));
  socket_ = launch.socket;
  watch(findRunning(directory).pid, shape.preservesClientIp);
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
  watch_->isReplaced = true;
  signalProcess(watch_->process, SIGUSR1);
  retire();
  std::error_code ignored;
  fs::remove(pidFile(settings_.directory), ignored);
}

// Also those that were replaced and wait for their last connection: their numbers stand nowhere.
void endHAProxy(const std::string& directory) {
  std::vector<base::Fd> processes;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc()) continue;
    base::Fd process = openProcess(pid);  // first, so that its number can't become another's
    if (isAtHomeIn(directory, entry.path()) && !nameOf(pid, directory).empty()) processes.push_back(std::move(process));
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
