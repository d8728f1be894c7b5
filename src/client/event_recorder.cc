#include "client/event_recorder.h"

#include <list>
#include <thread>
#include <unordered_map>

#include <fmt/format.h>

#include "base/log.h"
#include "base/queue.h"
#include "meta/time.h"

namespace wherry::client {

namespace {

const meta::Resource& eventResource() {
  static const meta::Resource resource{"", "v1", "events", "Event", meta::Scope::kNamespaced};
  return resource;
}

json::Object referenceTo(const meta::Object& about, std::string_view fieldPath) {
  const auto metadata = about.metadata();
  json::Object reference{{"kind", about.kind()}};
  if (!metadata.ns().empty()) reference["namespace"] = metadata.ns();
  reference["name"] = metadata.name();
  reference["uid"] = metadata.uid();
  reference["apiVersion"] = about.apiVersion();
  reference["resourceVersion"] = metadata.resourceVersion();
  if (!fieldPath.empty()) reference["fieldPath"] = fieldPath;
  return reference;
}

// An Event lives where its object does; that of a cluster-scoped object in "default".
std::string_view namespaceOf(const Occurrence& occurrence) {
  const auto ns = json::getString(occurrence.involvedObject, "namespace");
  return ns.empty() ? "default" : ns;
}

std::string_view typeOf(Severity severity) { return severity == Severity::kNormal ? "Normal" : "Warning"; }

// Occurrences with the same identity are one Event.
std::string identityOf(const Occurrence& occurrence) {
  const auto& about = occurrence.involvedObject;
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}", occurrence.component, occurrence.host,
                     json::getString(about, "uid"), json::getString(about, "name"), json::getString(about, "fieldPath"),
                     typeOf(occurrence.severity), occurrence.reason, occurrence.message);
}

// The Events written lately, so that the next occurrence of the same is counted. Forgets the longest unused first.
class RecentEvents {
 public:
  struct Entry {
    std::string identity;
    std::string name;
    int64_t count = 0;
  };

  Entry* find(const std::string& identity) {
    const auto found = byIdentity_.find(identity);
    if (found == byIdentity_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &*found->second;
  }

  void put(std::string identity, std::string name) {
    forget(identity);
    entries_.push_front({std::move(identity), std::move(name), 1});
    byIdentity_.emplace(entries_.front().identity, entries_.begin());
    if (entries_.size() > kMost) forget(entries_.back().identity);
  }

  void forget(std::string identity) {
    const auto found = byIdentity_.find(identity);
    if (found == byIdentity_.end()) return;
    const auto entry = found->second;
    byIdentity_.erase(found);
    entries_.erase(entry);
  }

 private:
  static constexpr size_t kMost = 4096;
  std::list<Entry> entries_;
  std::unordered_map<std::string_view, std::list<Entry>::iterator> byIdentity_;
};

}  // namespace

json::Value newEvent(const Occurrence& occurrence) {
  const std::string time = meta::formatTime(occurrence.time);
  const auto nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(occurrence.time.time_since_epoch()).count();
  json::Object source{{"component", occurrence.component}};
  if (!occurrence.host.empty()) source["host"] = occurrence.host;
  return json::Object{
      {"apiVersion", "v1"},
      {"kind", "Event"},
      {"metadata",
       json::Object{{"name", fmt::format("{}.{:x}", json::getString(occurrence.involvedObject, "name"), nanos)},
                    {"namespace", namespaceOf(occurrence)}}},
      {"involvedObject", occurrence.involvedObject},
      {"reason", occurrence.reason},
      {"message", occurrence.message},
      {"source", std::move(source)},
      {"firstTimestamp", time},
      {"lastTimestamp", time},
      {"count", 1},
      {"type", typeOf(occurrence.severity)},
      {"eventTime", nullptr},
      {"reportingComponent", occurrence.component},
      {"reportingInstance", occurrence.host},
  };
}

json::Value countedEvent(const Occurrence& occurrence, int64_t count) {
  return json::Object{{"count", count}, {"lastTimestamp", meta::formatTime(occurrence.time)}};
}

struct EventRecorder::Writer {
  static constexpr size_t kQueued = 1000;

  Client& client;
  const base::Clock& clock;
  base::Log log{"events"};
  base::Queue<Occurrence> queue{kQueued};
  RecentEvents recent;  // the thread's own
  std::jthread thread;

  Writer(Client& clientToUse, const base::Clock& clockToUse) : client(clientToUse), clock(clockToUse) {
    thread = std::jthread([this](std::stop_token stop) {
      while (const auto occurrence = queue.pop(stop)) write(*occurrence);
    });
  }

  void write(const Occurrence& occurrence) {
    try {
      if (!count(occurrence)) create(occurrence);
    } catch (const meta::StatusError& error) {
      log.debug("{} of {} not recorded: {}", occurrence.reason, json::getString(occurrence.involvedObject, "name"),
                error.message());
    }
  }

  // False when there is no such Event (any more: they live for an hour).
  bool count(const Occurrence& occurrence) {
    const std::string identity = identityOf(occurrence);
    auto* entry = recent.find(identity);
    if (!entry) return false;
    try {
      client.patch(eventResource(), namespaceOf(occurrence), entry->name, PatchType::kStrategic,
                   countedEvent(occurrence, entry->count + 1));
      ++entry->count;
      return true;
    } catch (const meta::StatusError& error) {
      recent.forget(identity);
      if (error.isNotFound()) return false;
      throw;
    }
  }

  void create(const Occurrence& occurrence) {
    const auto created = client.create(eventResource(), namespaceOf(occurrence), newEvent(occurrence));
    recent.put(identityOf(occurrence), std::string(created->metadata().name()));
  }
};

EventRecorder::EventRecorder(Client& client, std::string component, std::string host, const base::Clock& clock)
    : EventRecorder(std::make_shared<Writer>(client, clock), std::move(component), std::move(host)) {}

EventRecorder::EventRecorder(std::shared_ptr<Writer> writer, std::string component, std::string host)
    : writer_(std::move(writer)), component_(std::move(component)), host_(std::move(host)) {}

EventRecorder::~EventRecorder() = default;
EventRecorder::EventRecorder(EventRecorder&&) noexcept = default;
EventRecorder& EventRecorder::operator=(EventRecorder&&) noexcept = default;

EventRecorder EventRecorder::forComponent(std::string component) const {
  return EventRecorder(writer_, std::move(component), host_);
}

void EventRecorder::record(const meta::Object& about, Severity severity, std::string_view reason, std::string message,
                           std::string_view fieldPath) {
  Occurrence occurrence{
      referenceTo(about, fieldPath), component_, host_, severity, std::string(reason), std::move(message),
      writer_->clock.now()};
  if (!writer_->queue.tryPush(std::move(occurrence))) writer_->log.debug("queue full, event {} dropped", reason);
}

}  // namespace wherry::client
