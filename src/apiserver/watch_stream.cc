#include "apiserver/watch_stream.h"

#include <atomic>

#include <fmt/format.h>

#include "apiserver/stored_form.h"
#include "apiserver/telemetry/request_metrics.h"
#include "apiserver/watch_cursor.h"
#include "base/random.h"

namespace wherry::apiserver {
namespace {

constexpr size_t kBatch = 256;  // events for one watcher before the next one gets its turn
constexpr std::chrono::seconds kMinTimeout{1800};
constexpr std::chrono::seconds kBookmarkAhead{2};  // before the end, as upstream sends it

std::string_view typeName(storage::EventType type) {
  switch (type) {
    case storage::EventType::kAdded:
      return "ADDED";
    case storage::EventType::kModified:
      return "MODIFIED";
    case storage::EventType::kDeleted:
      return "DELETED";
    default:
      return "BOOKMARK";
  }
}

std::string line(std::string_view type, std::string_view object) {
  std::string text;
  text.reserve(object.size() + 40);
  return text.append(R"({"type":")").append(type).append(R"(","object":)").append(object).append("}\n");
}

net::Bytes share(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

// Watchers of the same object are fed one after the other: the line of the last event serves all of them.
class SharedLine {
 public:
  net::Bytes of(const schema::KindPtr& kind, const SelectedEvent& event) {
    if (event.bytes != object_ || event.type != type_ || kind != kind_) {
      line_ = share(line(typeName(event.type), withTypeMeta(*kind, *event.bytes)));
      object_ = event.bytes;
      type_ = event.type;
      kind_ = kind;
    }
    return line_;
  }

 private:
  net::Bytes line_;
  net::Bytes object_;
  storage::EventType type_{};
  schema::KindPtr kind_;
};

// Writes events in the form that the watcher asked for.
class EventWriter {
 public:
  EventWriter(schema::KindPtr kind, View view, const base::Clock& clock)
      : kind_(std::move(kind)), view_(std::move(view)), clock_(clock) {}

  net::Bytes write(const std::vector<SelectedEvent>& events) {
    thread_local SharedLine shared;  // the dispatcher's thread is the only one that writes
    const auto& first = events.front();
    bool plain = view_.representation.shape == Shape::kObject && first.type != storage::EventType::kBookmark;
    if (events.size() == 1 && plain) {
      auto text = shared.of(kind_, first);
      count(first, text->size());
      return text;
    }
    std::string text;
    for (const auto& event : events) {
      size_t before = text.size();
      text += write(event);
      count(event, text.size() - before);
    }
    return share(std::move(text));
  }

  std::string write(const SelectedEvent& event) {
    auto type = typeName(event.type);
    if (event.type == storage::EventType::kBookmark) return line(type, bookmark(event));
    switch (view_.representation.shape) {
      case Shape::kTable:
        return line(type, table(event));
      case Shape::kPartialMetadata:
        return line(type, partialMetadata(*event.bytes, view_.representation.shapeVersion));
      default:
        return line(type, withTypeMeta(*kind_, *event.bytes));
    }
  }

 private:
  void count(const SelectedEvent& event, size_t bytes) const {
    if (event.type != storage::EventType::kBookmark) countWatchEvent(*kind_, bytes, event.initial);
  }

  std::string table(const SelectedEvent& event) {
    std::string_view one[] = {*event.bytes};
    json::Object metadata{{"resourceVersion", std::to_string(event.revision)}};
    auto headers = std::exchange(headers_, schema::TableHeaders::kNo);
    return json::serialize(tableOf(*kind_, one, std::move(metadata), view_, clock_.now(), headers));
  }

  std::string bookmark(const SelectedEvent& event) const {
    json::Object metadata{{"resourceVersion", std::to_string(event.revision)}};
    if (event.initialEnd) metadata["annotations"] = json::Object{{"k8s.io/initial-events-end", "true"}};
    auto body = json::serialize(json::Object{{"metadata", std::move(metadata)}});
    if (view_.representation.shape == Shape::kObject) return withTypeMeta(*kind_, body);
    auto metaVersion = "meta.k8s.io/" + view_.representation.shapeVersion;
    if (view_.representation.shape == Shape::kPartialMetadata) {
      return withTypeMeta(metaVersion, "PartialObjectMetadata", body);
    }
    body.insert(body.size() - 1, R"(,"rows":[])");
    return withTypeMeta(metaVersion, "Table", body);
  }

  schema::KindPtr kind_;
  View view_;
  const base::Clock& clock_;
  schema::TableHeaders headers_ = schema::TableHeaders::kYes;
};

class WatchStream : public std::enable_shared_from_this<WatchStream> {
 public:
  WatchStream(Backend& backend, schema::KindPtr kind, View view, bool bookmarks, net::ExchangePtr exchange)
      : backend_(backend),
        kind_(kind),
        writer_(std::move(kind), std::move(view), backend.clock),
        bookmarks_(bookmarks),
        exchange_(std::move(exchange)) {}

  // On the request's thread; all that follows happens on the dispatcher's.
  void start(const schema::KindPtr& kind, std::string_view ns, ListOptions options) {
    timeout_ = options.timeout.value_or(kMinTimeout + std::chrono::seconds(base::randomBelow(1800)));
    cursor_ = std::make_unique<WatchCursor>(backend_, kind, ns, std::move(options), [weak = weak_from_this()] {
      if (auto self = weak.lock()) self->schedule();
    });
    self_ = shared_from_this();
    exchange_->onClosed([weak = weak_from_this()] {
      if (auto self = weak.lock()) self->backend_.dispatcher.post([self] { self->end(); });
    });
    backend_.dispatcher.post([self = shared_from_this()] { self->begin(); });
  }

 private:
  void begin() {
    if (!cursor_) return;
    net::Headers headers;
    headers.add("Content-Type", "application/json");
    headers.add("Cache-Control", "no-cache, private");
    exchange_->onWritable([weak = weak_from_this()] {
      if (auto self = weak.lock()) self->schedule();
    });
    exchange_->begin(200, std::move(headers));
    setTimers();
    feed();
  }

  void setTimers() {
    auto weak = weak_from_this();
    endTimer_ = backend_.dispatcher.after(timeout_, [weak] {
      if (auto self = weak.lock()) self->end();
    });
    if (!bookmarks_ || timeout_ <= kBookmarkAhead) return;
    bookmarkTimer_ = backend_.dispatcher.after(timeout_ - kBookmarkAhead, [weak] {
      if (auto self = weak.lock()) self->sendBookmark();
    });
  }

  // From any thread.
  void schedule() {
    if (scheduled_.exchange(true)) return;
    backend_.dispatcher.post([self = shared_from_this()] { self->feed(); });
  }

  void feed() {
    scheduled_ = false;
    if (!cursor_) return;
    try {
      // A client that does not keep up is fed again when it has read.
      for (size_t fed = 0; fed < kBatch;) {
        auto events = cursor_->poll(kBatch);
        if (events.empty() || !exchange_->write(writer_.write(events))) return;
        fed += events.size();
      }
      schedule();
    } catch (const meta::StatusError& error) {
      exchange_->write(share(line("ERROR", json::serialize(error.toJson()))));
      end();
    }
  }

  void sendBookmark() {
    if (!cursor_) return;
    SelectedEvent event{storage::EventType::kBookmark, cursor_->position(), nullptr, false};
    exchange_->write(share(writer_.write(event)));
  }

  void end() {
    if (!cursor_) return;
    cursor_.reset();
    backend_.dispatcher.cancel(endTimer_);
    backend_.dispatcher.cancel(bookmarkTimer_);
    exchange_->finish();
    exchange_.reset();
    self_.reset();
  }

  Backend& backend_;
  schema::KindPtr kind_;
  EventWriter writer_;
  bool bookmarks_;
  net::ExchangePtr exchange_;
  std::unique_ptr<WatchCursor> cursor_;
  std::chrono::seconds timeout_{0};
  std::atomic<bool> scheduled_{true};  // by start()
  Dispatcher::Timer endTimer_ = 0;
  Dispatcher::Timer bookmarkTimer_ = 0;
  std::shared_ptr<WatchStream> self_;  // until the end
};

}  // namespace

void startWatchStream(Backend& backend, schema::KindPtr kind, std::string ns, ListOptions options, View view,
                      net::ExchangePtr exchange) {
  auto stream =
      std::make_shared<WatchStream>(backend, kind, std::move(view), options.allowBookmarks, std::move(exchange));
  stream->start(kind, ns, std::move(options));
}

}  // namespace wherry::apiserver
