#include "apiserver/audit/log.h"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"

namespace wherry::apiserver::audit {
namespace {

namespace fs = std::filesystem;

const base::Log kLog("audit");
constexpr size_t kMaxWaitingBytes = 16 << 20;

// audit.log is put aside as audit-2026-01-02T15-04-05.678.log.
std::string asideName(const fs::path& path, base::WallTime now) {
  std::string time = base::formatUtcMillis(now);
  std::replace(time.begin(), time.end(), ':', '-');
  if (time.ends_with('Z')) time.pop_back();
  return (path.parent_path() / (path.stem().string() + "-" + time + path.extension().string())).string();
}

class RotatedFile {
 public:
  explicit RotatedFile(LogOptions options) : options_(std::move(options)) { open(); }

  void append(std::string_view text) {
    size_t most = static_cast<size_t>(std::max(1, options_.maxSizeMegabytes)) << 20;
    if (rotates() && size_ > 0 && size_ + text.size() > most) rotate();
    size_ += text.size();
    while (!text.empty()) {
      ssize_t written = ::write(fd_.get(), text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        kLog.error("{}: {}", options_.path, std::strerror(errno));
        return;
      }
      text.remove_prefix(static_cast<size_t>(written));
    }
  }

 private:
  bool rotates() const { return options_.path != "-"; }

  void open() {
    if (!rotates()) {
      fd_ = base::Fd(::dup(STDOUT_FILENO));
      return;
    }
    fd_ = base::Fd(::open(options_.path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
    if (!fd_) base::throwErrno("open " + options_.path);
    struct stat status {};
    size_ = ::fstat(fd_.get(), &status) == 0 ? static_cast<size_t>(status.st_size) : 0;
  }

  void rotate() {
    auto now = base::Clock::system().now();
    std::string aside = asideName(options_.path, now);
    while (fs::exists(aside)) aside = asideName(options_.path, now += std::chrono::milliseconds(1));
    ::rename(options_.path.c_str(), aside.c_str());
    try {
      open();
    } catch (const std::system_error& error) {
      kLog.error("{}", error.what());  // what was open goes on
    }
    removeOld();
  }

  void removeOld() const {
    fs::path path(options_.path);
    std::string prefix = path.stem().string() + "-", end = path.extension().string();
    std::vector<fs::path> aside;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(path.parent_path(), ignored)) {
      std::string name = entry.path().filename().string();
      if (name.starts_with(prefix) && name.ends_with(end)) aside.push_back(entry.path());
    }
    std::sort(aside.rbegin(), aside.rend());  // newest first: their names are times
    auto oldest = fs::file_time_type::clock::now() - std::chrono::hours(24) * options_.maxAgeDays;
    for (size_t i = 0; i < aside.size(); ++i) {
      bool tooMany = options_.maxBackups > 0 && i >= static_cast<size_t>(options_.maxBackups);
      bool tooOld = options_.maxAgeDays > 0 && fs::last_write_time(aside[i], ignored) < oldest;
      if (tooMany || tooOld) fs::remove(aside[i], ignored);
    }
  }

  const LogOptions options_;
  base::Fd fd_;
  size_t size_ = 0;
};

class QueuedLog : public Log {
 public:
  explicit QueuedLog(LogOptions options) : file_(std::move(options)) {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  ~QueuedLog() override {
    thread_.request_stop();
    thread_.join();
  }

  bool write(std::string line) override {
    {
      std::lock_guard lock(mutex_);
      if (waiting_.size() + line.size() > kMaxWaitingBytes) {
        if (dropped_++ == 0) kLog.warn("the disk is too slow for the audit log: events are dropped");
        return false;
      }
      waiting_ += line;
    }
    filled_.notify_one();
    return true;
  }

 private:
  void run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (filled_.wait(lock, stop, [&] { return !waiting_.empty(); }) || !waiting_.empty()) {
      std::string text = std::exchange(waiting_, {});
      if (auto dropped = std::exchange(dropped_, 0)) kLog.warn("{} audit events were dropped", dropped);
      lock.unlock();
      file_.append(text);
      lock.lock();
    }
  }

  RotatedFile file_;
  std::mutex mutex_;
  std::condition_variable_any filled_;
  std::string waiting_;
  uint64_t dropped_ = 0;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace

std::unique_ptr<Log> openLog(LogOptions options) { return std::make_unique<QueuedLog>(std::move(options)); }

}  // namespace wherry::apiserver::audit
