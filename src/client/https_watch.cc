#include "client/https_watch.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "client/request_metrics.h"

namespace wherry::client {
namespace {

constexpr size_t kMaxWaiting = 1024;       // events; while so many wait, no more are read
constexpr size_t kMaxLine = 16 << 20;      // bytes
constexpr size_t kMaxErrorBody = 1 << 20;  // bytes

std::optional<EventType> parseType(std::string_view type) {
  if (type == "ADDED") return EventType::kAdded;
  if (type == "MODIFIED") return EventType::kModified;
  if (type == "DELETED") return EventType::kDeleted;
  if (type == "BOOKMARK") return EventType::kBookmark;
  return std::nullopt;
}

class HttpsWatch : public Watch {
 public:
  HttpsWatch(net::HttpClient& client, net::Request request, std::string host)
      : client_(client), request_(std::move(request)), host_(std::move(host)) {
    thread_ = std::jthread([this](std::stop_token stop) { read(stop); });
  }

  std::optional<WatchEvent> next(std::stop_token stop) override {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, stop, [&] { return !events_.empty() || failure_; });
    return stop.stop_requested() ? std::nullopt : take();
  }

  std::optional<WatchEvent> tryNext() override {
    std::lock_guard lock(mutex_);
    auto event = take();
    armed_ = !event;
    return event;
  }

  void onReady(std::function<void()> wake) override {
    std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
  }

 private:
  // With the lock held.
  std::optional<WatchEvent> take() {
    if (events_.empty() && failure_) throw *failure_;
    if (events_.empty()) return std::nullopt;
    WatchEvent event = std::move(events_.front());
    events_.pop_front();
    drained_.notify_one();
    return event;
  }

  // The thread.
  void read(const std::stop_token& stop) {
    try {
      stream(stop);
      fail(meta::serviceUnavailable("the server has ended the watch"));
    } catch (const meta::StatusError& error) {
      fail(error);
    } catch (const std::exception& error) {
      if (status_ == kNoAnswer) count();
      fail(meta::serviceUnavailable(error.what()));
    }
  }

  void count() { countRequest(host_, request_.method, status_, std::chrono::steady_clock::now() - start_); }

  void stream(const std::stop_token& stop) {
    std::string buffer;
    client_.stream(
        request_, stop,
        [&](const net::ClientResponse& head) {
          status_ = head.status;
          count();
          return true;
        },
        [&](std::string_view data) {
          buffer.append(data);
          return status_ == 200 ? takeLines(buffer, stop) : buffer.size() < kMaxErrorBody;
        });
    if (!stop.stop_requested() && status_ != 200) throw meta::StatusError::fromJson(status_, buffer);
  }

  // False when the watch is to end.
  bool takeLines(std::string& buffer, const std::stop_token& stop) {
    size_t begin = 0;
    for (size_t end = buffer.find('\n'); end != std::string::npos; end = buffer.find('\n', begin)) {
      if (!push(parseWatchEvent(std::string_view(buffer).substr(begin, end - begin)), stop)) return false;
      begin = end + 1;
    }
    buffer.erase(0, begin);
    if (buffer.size() > kMaxLine) throw meta::internalError("an event of the watch is too large");
    return true;
  }

  bool push(WatchEvent event, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    if (!drained_.wait(lock, stop, [&] { return events_.size() < kMaxWaiting; })) return false;
    events_.push_back(std::move(event));
    tell(lock);
    return true;
  }

  void fail(meta::StatusError error) {
    std::unique_lock lock(mutex_);
    failure_ = std::move(error);
    tell(lock);
  }

  void tell(std::unique_lock<std::mutex>& lock) {
    std::function<void()> wake = std::exchange(armed_, false) ? wake_ : nullptr;
    lock.unlock();
    filled_.notify_one();
    if (wake) wake();
  }

  net::HttpClient& client_;
  const net::Request request_;
  const std::string host_;
  // The thread's own.
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  int status_ = kNoAnswer;

  std::mutex mutex_;
  std::condition_variable_any filled_;
  std::condition_variable_any drained_;
  std::deque<WatchEvent> events_;
  std::optional<meta::StatusError> failure_;
  std::function<void()> wake_;
  bool armed_ = false;
  std::jthread thread_;  // last: it uses all the others
};

}  // namespace

WatchEvent parseWatchEvent(std::string_view line) {
  json::Value event;
  try {
    event = json::parse(line);
  } catch (const json::ParseError& error) {
    throw meta::internalError(std::string("a line of the watch is not JSON: ") + error.what());
  }
  std::string_view typeText = json::getString(event, "type");
  json::Value* object = event.is_object() ? event.get_object().if_contains("object") : nullptr;
  if (object == nullptr || !object->is_object()) throw meta::internalError("a line of the watch is no event");
  if (typeText == "ERROR") {
    int code = static_cast<int>(json::getInt(*object, "code", 500));
    throw meta::StatusError::fromJson(code, json::serialize(*object));
  }
  auto type = parseType(typeText);
  if (!type) throw meta::internalError("a line of the watch is no event");
  auto parsed = std::make_shared<const meta::Object>(std::move(*object));
  int64_t revision = parsed->revision();
  return {*type, *type == EventType::kBookmark ? nullptr : std::move(parsed), revision};
}

std::unique_ptr<Watch> newHttpsWatch(net::HttpClient& client, net::Request request, std::string host) {
  return std::make_unique<HttpsWatch>(client, std::move(request), std::move(host));
}

}  // namespace wherry::client
