#include "kubelet/logs/log_reader.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <optional>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/fd.h"
#include "kubelet/logs/log_chain.h"
#include "kubelet/logs/log_line.h"

namespace wherry::kubelet {
namespace {

constexpr size_t kBlock = 256 << 10;  // what the server holds for a client, too

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
    chain_.emplace(source_.file);
    if (filter_.since()) chain_->skipBefore(*filter_.since());
    if (options_.tailLines) chain_->seekToTail(*options_.tailLines);
    for (;;) {
      bool last = source_.ended();  // asked before reading: what was written before the end is read below
      if (!sendRest() || !options_.follow || last) break;
      if (!waitForChange()) break;
    }
    sink_->finish();
  }

 private:
  bool over() const { return wake_->closed || stop_.stop_requested() || filter_.full(); }

  // The directory of the log: its writes, and the file that a rotation begins.
  void watch() {
    inotify_ = base::Fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    std::string directory = std::filesystem::path(source_.file).parent_path().string();
    ::inotify_add_watch(inotify_.get(), directory.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO);
    ::inotify_add_watch(inotify_.get(), source_.recordDirectory.c_str(), IN_MOVED_TO | IN_DELETE_SELF);
  }

  // All that is there; false when there is nobody to send to any more.
  bool sendRest() {
    while (!over()) {
      size_t kept = pending_.size();
      pending_.resize(kept + kBlock);
      pending_.resize(kept + chain_->read(pending_.data() + kept, kBlock));
      if (pending_.size() == kept) break;
      if (!sendLines(kept)) return false;
    }
    return !over();
  }

  // The whole lines in `pending_`, whose first `seen` bytes hold no end of a line.
  bool sendLines(size_t seen) {
    out_.clear();
    std::string_view text = pending_;
    size_t start = 0;
    for (size_t end; (end = text.find('\n', std::max(start, seen))) != std::string_view::npos; start = end + 1) {
      filter_.apply(text.substr(start, end - start), out_);
    }
    pending_.erase(0, start);
    return out_.empty() || send(out_);
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
    return !over();
  }

  const LogSource& source_;
  const client::LogOptions& options_;
  std::shared_ptr<client::ByteSink> sink_;
  LogFilter filter_;
  std::shared_ptr<Wake> wake_ = std::make_shared<Wake>();
  std::stop_token stop_;
  std::stop_callback<std::function<void()>> onStop_;
  std::optional<LogChain> chain_;
  base::Fd inotify_;
  std::string pending_;  // read and not yet sent: the beginning of a line
  std::string out_;
};

}  // namespace

void sendLog(const LogSource& source, const client::LogOptions& options, const std::shared_ptr<client::ByteSink>& sink,
             base::WallTime now, std::stop_token stop) {
  Sender(source, options, sink, now, std::move(stop)).run();
}

}  // namespace wherry::kubelet
