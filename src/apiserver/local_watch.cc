#include "apiserver/local_watch.h"

#include <condition_variable>
#include <deque>
#include <mutex>

#include "apiserver/stored_form.h"
#include "apiserver/watch_cursor.h"

namespace wherry::apiserver {
namespace {

constexpr size_t kBatch = 256;

client::EventType typeOf(storage::EventType type) {
  switch (type) {
    case storage::EventType::kAdded:
      return client::EventType::kAdded;
    case storage::EventType::kModified:
      return client::EventType::kModified;
    case storage::EventType::kDeleted:
      return client::EventType::kDeleted;
    default:
      return client::EventType::kBookmark;
  }
}

// What the store's commit thread wakes; outlives the watch as long as a call into it runs.
struct Bell {
  std::mutex mutex;
  std::condition_variable_any rung;
  bool ringing = false;
  std::function<void()> onReady;
  bool armed = false;  // an empty tryNext() waits for onReady

  void ring() {
    std::function<void()> call;
    {
      std::lock_guard lock(mutex);
      ringing = true;
      if (std::exchange(armed, false)) call = onReady;
    }
    rung.notify_all();
    if (call) call();
  }
};

class LocalWatch : public client::Watch {
 public:
  LocalWatch(const Backend& backend, schema::KindPtr kind, std::string_view ns, ListOptions options)
      : kind_(kind),
        bell_(std::make_shared<Bell>()),
        cursor_(backend, kind, ns, std::move(options), [bell = bell_] { bell->ring(); }) {}

  std::optional<client::WatchEvent> next(std::stop_token stop) override {
    while (!stop.stop_requested()) {
      if (auto event = poll()) return event;
      std::unique_lock lock(bell_->mutex);
      bell_->rung.wait(lock, stop, [&] { return bell_->ringing; });
    }
    return std::nullopt;
  }

  std::optional<client::WatchEvent> tryNext() override {
    auto event = poll();
    if (event) return event;
    bool again = false;
    {
      std::lock_guard lock(bell_->mutex);
      again = bell_->ringing;
      bell_->armed = !again;
    }
    return again ? tryNext() : std::nullopt;
  }

  void onReady(std::function<void()> wake) override {
    std::lock_guard lock(bell_->mutex);
    bell_->onReady = std::move(wake);
  }

 private:
  std::optional<client::WatchEvent> poll() {
    if (buffered_.empty()) {
      {
        std::lock_guard lock(bell_->mutex);
        bell_->ringing = false;
      }
      for (auto& event : cursor_.poll(kBatch)) buffered_.push_back(std::move(event));
    }
    if (buffered_.empty()) return std::nullopt;
    auto event = std::move(buffered_.front());
    buffered_.pop_front();
    client::WatchEvent answer{typeOf(event.type), nullptr, event.revision};
    if (event.bytes)
      answer.object = std::make_shared<const meta::Object>(json::parse(withoutManagedFields(*kind_, *event.bytes)));
    return answer;
  }

  schema::KindPtr kind_;
  std::shared_ptr<Bell> bell_;
  WatchCursor cursor_;
  std::deque<SelectedEvent> buffered_;
};

}  // namespace

std::unique_ptr<client::Watch> newLocalWatch(const Backend& backend, schema::KindPtr kind, std::string_view ns,
                                             ListOptions options) {
  return std::make_unique<LocalWatch>(backend, std::move(kind), ns, std::move(options));
}

}  // namespace wherry::apiserver
