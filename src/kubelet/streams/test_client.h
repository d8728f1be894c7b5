// The client's end of an exec, attach or connection, for tests: it keeps what comes and lets tests wait for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <string>

#include "client/node_connection.h"

namespace wherry::kubelet {

class TestClient : public client::ProcessStreams {
 public:
  static constexpr std::chrono::seconds kPatience{60};

  ~TestClient() override { gone_.set_value(); }

  bool write(Output output, std::string_view data) override {
    std::lock_guard lock(mutex_);
    (output == Output::kStdout ? out_ : err_) += data;
    changed_.notify_all();
    return !slow_;
  }
  void onWritable(std::function<void()> handler) override { writable = std::move(handler); }
  void finish(const client::ProcessEnd& end) override {
    std::lock_guard lock(mutex_);
    end_ = end;
    changed_.notify_all();
  }
  void onStdin(std::function<void(std::string_view)> handler) override { stdin = std::move(handler); }
  void onStdinEnd(std::function<void()> handler) override { stdinEnd = std::move(handler); }
  void pauseStdin(bool paused) override {
    std::lock_guard lock(mutex_);
    paused_ = paused;
    changed_.notify_all();
  }
  void onResize(std::function<void(client::TerminalSize)> handler) override { resize = std::move(handler); }
  void onClosed(std::function<void()> handler) override { closed = std::move(handler); }

  template <typename Predicate>
  bool waitUntil(Predicate predicate) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, predicate);
  }
  bool waitOut(const std::string& part) {
    return waitUntil([&] { return out_.find(part) != std::string::npos; });
  }
  client::ProcessEnd waitEnd() {
    waitUntil([&] { return end_.has_value(); });
    return end_.value_or(client::ProcessEnd{-1, "it did not end"});
  }
  bool waitPaused(bool paused) {
    return waitUntil([&] { return paused_ == paused; });
  }
  std::string out() {
    std::lock_guard lock(mutex_);
    return out_;
  }
  std::string err() {
    std::lock_guard lock(mutex_);
    return err_;
  }
  bool ended() {
    std::lock_guard lock(mutex_);
    return end_.has_value();
  }
  // Ready once nobody holds it any more: neither the test nor a session. To be asked for once.
  std::future<void> whenGone() { return gone_.get_future(); }
  void setSlow(bool slow) {
    std::lock_guard lock(mutex_);
    slow_ = slow;
  }

  std::function<void()> writable, stdinEnd, closed;
  std::function<void(std::string_view)> stdin;
  std::function<void(client::TerminalSize)> resize;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string out_, err_;
  std::optional<client::ProcessEnd> end_;
  bool paused_ = false;
  bool slow_ = false;
  std::promise<void> gone_;
};

}  // namespace wherry::kubelet
