#include "storage/store.h"

#include <chrono>
#include <stdexcept>
#include <thread>

#include "base/guarded.h"
#include "base/log.h"
#include "base/published.h"
#include "storage/engine.h"
#include "storage/intake.h"
#include "storage/page.h"
#include "storage/recorder.h"
#include "storage/refusal.h"
#include "storage/watch_hub.h"

namespace wherry::storage {

namespace {

const base::Log& log() {
  static const base::Log kLog("storage");
  return kLog;
}

// One durable state of the whole store.
struct View {
  Table table;
  Revision revision = 0;
};

void apply(TableEditor& editor, const Event& event) {
  if (event.type == EventType::kDeleted) {
    editor.erase(event.entry->key);
  } else {
    editor.put(event.entry);
  }
}

View stateAfter(const View& before, const std::vector<Event>& events) {
  TableEditor editor(before.table);
  for (const Event& event : events) apply(editor, event);
  return {editor.finish(), events.back().revision};
}

std::vector<Event> eventsOf(const std::vector<Write>& writes) {
  std::vector<Event> events;
  events.reserve(writes.size());
  for (const Write& write : writes) events.push_back(write.event);
  return events;
}

// A retry reads the whole database, and anybody may ask.
constexpr std::chrono::seconds kRetryPause{1};

struct Refusal {
  std::string why;  // empty: there is none
  std::chrono::steady_clock::time_point retried;
};

class EngineStore : public Store, public Refusing {
 public:
  EngineStore(Recorder recorder, Recorder::Loaded loaded, StoreOptions options)
      : recorder_(std::move(recorder)),
        opened_(loaded.last),
        view_(View{std::move(loaded.table), loaded.last}),
        hub_(std::make_shared<WatchHub>(loaded.last, options.ringEvents, options.ringBytes)),
        intake_(loaded.last, std::move(options.indexer), [this](std::string_view key) { return get(key); }),
        committer_([this](std::stop_token stop) { commitLoop(stop); }) {}

  ~EngineStore() override {
    committer_.request_stop();
    committer_.join();
    try {
      if (intake_.lastGiven() != opened_) recorder_.close(intake_.lastGiven());
    } catch (const std::runtime_error& error) {
      log().warn("closing the database: {}", error.what());
    }
  }

  void create(std::string key, Render render, OnCommitted done) override {
    intake_.submit({Verb::kCreate, std::move(key), 0}, render, std::move(done));
  }
  void update(std::string key, Revision expected, Render render, OnCommitted done) override {
    intake_.submit({Verb::kUpdate, std::move(key), expected}, render, std::move(done));
  }
  void remove(std::string key, Revision expected, Render render, OnCommitted done) override {
    intake_.submit({Verb::kRemove, std::move(key), expected}, render, std::move(done));
  }
  EntryPtr newest(std::string_view key) const override { return intake_.newest(key); }
  std::string refusal() override;

  EntryPtr get(std::string_view key) const override { return view_.load()->table.find(key); }
  Revision revision() const override { return view_.load()->revision; }
  size_t count(std::string_view prefix) const override { return view_.load()->table.countPrefix(prefix); }
  PageResult list(std::string_view prefix, std::string_view after, size_t limit, Revision at) const override;

  bool waitForRevision(Revision wanted, int timeoutMillis) const override {
    return view_.waitUntil([&](const View& view) { return view.revision >= wanted; },
                           std::chrono::milliseconds(timeoutMillis));
  }
  std::unique_ptr<Watch> watch(std::string prefix, Revision from, std::function<void()> wake) override {
    return hub_->watch(std::move(prefix), from, std::move(wake));
  }

 private:
  void commitLoop(const std::stop_token& stop);
  void commit(std::vector<Write> writes);
  void retry();
  void noteRefusal(const std::string& why);
  void refuse(const std::vector<Write>& writes, const std::string& why);
  void publish(const std::vector<Event>& events, const View& before);

  Recorder recorder_;
  const Revision opened_;  // the newest revision when the store was opened
  base::Published<View> view_;
  base::Guarded<Refusal> refusal_;
  bool refused_ = false;  // the committer's: whether there is one
  std::shared_ptr<WatchHub> hub_;
  Intake intake_;
  std::jthread committer_;  // last: it uses all the others
};

PageResult EngineStore::list(std::string_view prefix, std::string_view after, size_t limit, Revision at) const {
  auto view = view_.load();
  if (at > view->revision) return {ReadError::kFuture, {}};
  Undo undo;
  bool past = at != 0 && at != view->revision;
  if (past && !hub_->replay(at, view->revision, prefix, [&](const Event& event) { addUndo(undo, event); })) {
    return {ReadError::kExpired, {}};
  }
  Page page = makePage(view->table, undo, {prefix, after, limit});
  page.revision = past ? at : view->revision;
  return {ReadError::kNone, std::move(page)};
}

void EngineStore::commitLoop(const std::stop_token& stop) {
  for (;;) {
    std::vector<Write> writes = intake_.take(stop);
    if (!writes.empty()) {
      commit(std::move(writes));
    } else if (stop.stop_requested()) {
      return;
    } else {
      retry();
    }
  }
}

void EngineStore::commit(std::vector<Write> writes) {
  std::vector<Event> events = eventsOf(writes);
  auto before = view_.load();
  try {
    recorder_.record(events, before->table);
  } catch (const std::runtime_error& error) {
    refuse(writes, error.what());
    return;
  }
  noteRefusal("");
  publish(events, *before);
  intake_.settle(writes);
  for (Write& write : writes) write.done({WriteError::kNone, std::move(write.event.entry), ""});
}

// What waits was decided on top of what failed: it goes with it.
void EngineStore::refuse(const std::vector<Write>& writes, const std::string& why) {
  log().error("a write failed: {}", why);
  noteRefusal(why);
  std::vector<Write> queued = intake_.abandon();
  for (const Write& write : writes) write.done({WriteError::kRefused, nullptr, why});
  for (const Write& write : queued) write.done({WriteError::kRefused, nullptr, why});
}

std::string EngineStore::refusal() {
  bool due = false;
  std::string why = refusal_.with([&](Refusal& current) {
    auto now = std::chrono::steady_clock::now();
    due = !current.why.empty() && now - current.retried >= kRetryPause;
    if (due) current.retried = now;
    return current.why;
  });
  if (due) intake_.wake();
  return why;
}

// Without a write of anybody's: whether the engine takes them again.
void EngineStore::retry() {
  try {
    recorder_.retry(view_.load()->table);
    noteRefusal("");
  } catch (const std::runtime_error& error) {
    noteRefusal(error.what());
  }
}

// What is not written to the disk says nothing about it.
void EngineStore::noteRefusal(const std::string& why) {
  if (why.empty() && (recorder_.failed() || !refused_)) return;
  refused_ = !why.empty();
  refusal_.with([&](Refusal& current) { current.why = why; });
}

void EngineStore::publish(const std::vector<Event>& events, const View& before) {
  auto next = std::make_shared<const View>(stateAfter(before, events));
  hub_->append(events, [&] { view_.publish(std::move(next)); });
}

}  // namespace

std::string refusalOf(Store& store) {
  auto* refusing = dynamic_cast<Refusing*>(&store);
  return refusing ? refusing->refusal() : std::string();
}

std::unique_ptr<Store> openStore(StoreOptions options, std::unique_ptr<Engine> engine) {
  Recorder recorder(std::move(engine), options.volatilePrefixes);
  Recorder::Loaded loaded = recorder.load(options.indexer);
  return std::make_unique<EngineStore>(std::move(recorder), std::move(loaded), std::move(options));
}

}  // namespace wherry::storage
