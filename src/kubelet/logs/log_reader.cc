#include "kubelet/logs/log_reader.h"

#include <algorithm>
#include <atomic>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/fd.h"
#include "kubelet/logs/log_line.h"

namespace wherry::kubelet {
namespace {

constexpr size_t kBlock = 64 << 10;

// What ends or resumes the sending, made out of callbacks from other threads.
struct Wake {
  base::Fd event{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::atomic<bool> closed{false};
  std::atomic<bool> writable{false};

  void ring() const {
    uint64_t one = 1;
    [[maybe_unused]] ssize_t written = ::write(event.get(), &one, sizeof one);
  }
  void drain() const {
    uint64_t count = 0;
    [[maybe_unused]] ssize_t got = ::read(event.get(), &count, sizeof count);
  }
};

class Sender {
 public:
  Sender(const LogSource& source, const client::LogOptions& options, std::shared_ptr<client::ByteSink> sink,
         base::WallTime now, std::stop_token stop)
      : source_(source),
        options_(options),
        sink_(std::move(sink)),
        filter_(options, now),
        stop_(std::move(stop)),
        onStop_(stop_, [wake = wake_] { wake->ring(); }) {
    sink_->onWritable([wake = wake_] {
      wake->writable = true;
      wake->ring();
    });
    sink_->onClosed([wake = wake_] {
      wake->closed = true;
      wake->ring();
    });
  }

  void run() {
    if (options_.follow) watch();
    file_ = base::Fd(::open(source_.file.c_str(), O_RDONLY | O_CLOEXEC));
    seekToTail();
    for (;;) {
      bool last = source_.ended();  // asked before reading: what was written before the end is read below
      if (!sendRest() || !options_.follow || last) break;
      if (!waitForChange()) break;
    }
    sink_->finish();
  }

 private:
  bool over() const { return wake_->closed || stop_.stop_requested() || filter_.full(); }

  void watch() {
    inotify_ = base::Fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    ::inotify_add_watch(inotify_.get(), source_.file.c_str(), IN_MODIFY);
    ::inotify_add_watch(inotify_.get(), source_.recordDirectory.c_str(), IN_MOVED_TO | IN_DELETE_SELF);
  }

  // Blocks are read from the end until they hold enough lines.
  void seekToTail() {
    if (!file_ || !options_.tailLines) return;
    off_t end = ::lseek(file_.get(), 0, SEEK_END), start = end;
    std::string tail;
    while (start > 0) {
      off_t from = std::max<off_t>(0, start - static_cast<off_t>(kBlock));
      std::string block(static_cast<size_t>(start - from), '\0');
      if (::pread(file_.get(), block.data(), block.size(), from) != static_cast<ssize_t>(block.size())) break;
      tail.insert(0, block);
      start = from;
      if (tailOffset(tail, *options_.tailLines) > 0) break;
    }
    offset_ = start + static_cast<off_t>(tailOffset(tail, *options_.tailLines));
  }

  // All that is there; false when there is nobody to send to any more.
  bool sendRest() {
    std::string block(kBlock, '\0');
    while (file_ && !over()) {
      ssize_t count = ::pread(file_.get(), block.data(), block.size(), offset_);
      if (count <= 0) break;
      offset_ += count;
      pending_.append(block, 0, static_cast<size_t>(count));
      if (!sendLines()) return false;
    }
    return !over();
  }

  bool sendLines() {
    std::string out;
    size_t start = 0;
    for (size_t end; (end = pending_.find('\n', start)) != std::string::npos; start = end + 1) {
      out += filter_.apply(std::string_view(pending_).substr(start, end - start));
    }
    pending_.erase(0, start);
    return out.empty() || send(out);
  }

  bool send(const std::string& data) {
    wake_->writable = false;
    bool room = sink_->write(data);
    while (!room && !wake_->writable) {
      if (wake_->closed || stop_.stop_requested()) return false;
      pollfd entry{wake_->event.get(), POLLIN, 0};
      ::poll(&entry, 1, -1);
      wake_->drain();
    }
    return true;
  }

  bool waitForChange() {
    if (over()) return false;
    pollfd entries[] = {{inotify_.get(), POLLIN, 0}, {wake_->event.get(), POLLIN, 0}};
    ::poll(entries, 2, -1);
    wake_->drain();
    char events[4096];
    while (::read(inotify_.get(), events, sizeof events) > 0) {
    }
    if (!file_) file_ = base::Fd(::open(source_.file.c_str(), O_RDONLY | O_CLOEXEC));
    return !over();
  }

  const LogSource& source_;
  const client::LogOptions& options_;
  std::shared_ptr<client::ByteSink> sink_;
  LogFilter filter_;
  std::shared_ptr<Wake> wake_ = std::make_shared<Wake>();
  std::stop_token stop_;
  std::stop_callback<std::function<void()>> onStop_;
  base::Fd file_;
  base::Fd inotify_;
  off_t offset_ = 0;
  std::string pending_;
};

}  // namespace

void sendLog(const LogSource& source, const client::LogOptions& options, const std::shared_ptr<client::ByteSink>& sink,
             base::WallTime now, std::stop_token stop) {
  Sender(source, options, sink, now, std::move(stop)).run();
}

}  // namespace wherry::kubelet
