#include "apiserver/metrics.h"

#include <algorithm>

#include <fmt/format.h>

#include "apiserver/field_labels.h"
#include "apiserver/stored_form.h"
#include "meta/status.h"
#include "meta/time.h"

namespace wherry::apiserver {
namespace {

constexpr uint64_t kKibi = 1024;

json::Object renderUsage(const client::Usage& usage) {
  return {{"cpu", usage.cpuNanocores == 0 ? "0" : fmt::format("{}n", usage.cpuNanocores)},
          {"memory", fmt::format("{}Ki", usage.memoryWorkingSet / kKibi)}};
}

json::Object renderHead(const json::Value& object, const client::Usage& usage) {
  json::Object metadata;
  for (auto key : {"name", "namespace", "labels"}) {
    if (const auto* value = json::find(object, fmt::format("metadata.{}", key))) metadata[key] = *value;
  }
  metadata["creationTimestamp"] = meta::formatTime(usage.at);  // these metrics are as old as their measurement
  return {{"metadata", std::move(metadata)},
          {"timestamp", meta::formatTime(usage.at)},
          {"window", renderGoDuration(usage.window)}};
}

// What a node's connection answers; nothing when it can't.
std::optional<client::NodeUsage> usageOf(const Backend& backend, std::string_view node) {
  auto connection = backend.nodes ? backend.nodes(node) : nullptr;
  if (!connection) return std::nullopt;
  try {
    return connection->usage();
  } catch (const meta::StatusError&) {
    return std::nullopt;  // its metrics are missing, the others' are not
  }
}

bool isMeasured(const client::Usage& usage) { return usage.at != base::WallTime(); }

class Measurement {
 public:
  Measurement(const Backend& backend, const schema::Kind& kind, const ListOptions& options)
      : backend_(backend), kind_(kind), options_(options), prefix_(resourcePrefix(storedResource(kind))) {}

  Listing ofNodes() {
    for (const auto& node : backend_.objects.list({"", "nodes"}, "")) {
      auto name = node->metadata().name();
      auto usage = usageOf(backend_, name);
      if (usage && isMeasured(usage->node)) add("", name, renderNodeMetrics(node->tree(), usage->node));
    }
    return std::move(listing_);
  }

  Listing ofPods(std::string_view ns) {
    for (const auto& node : backend_.objects.list({"", "nodes"}, "")) {
      auto usage = usageOf(backend_, node->metadata().name());
      if (!usage) continue;
      for (const auto& pod : usage->pods) {
        if (ns.empty() || pod.ns == ns) addPod(pod);
      }
    }
    std::ranges::sort(listing_.entries, {}, [](const auto& entry) { return std::string_view(entry->key); });
    return std::move(listing_);
  }

 private:
  void addPod(const client::PodUsage& usage) {
    auto pod = backend_.objects.find({"", "pods"}, usage.ns, usage.name);
    if (pod && !usage.containers.empty()) add(usage.ns, usage.name, renderPodMetrics(pod->tree(), usage));
  }

  void add(std::string_view ns, std::string_view name, const json::Value& metrics) {
    auto entry = std::make_shared<storage::Entry>();
    entry->key = objectKey(storedResource(kind_), ns, name);
    entry->bytes = json::serialize(metrics);
    entry->index = indexStored(entry->key, entry->bytes);
    if (!matchesLabels(options_.labels, *entry) || !matchesFields(kind_, options_.fields, prefix_, *entry)) return;
    listing_.entries.push_back(std::move(entry));
  }

  const Backend& backend_;
  const schema::Kind& kind_;
  const ListOptions& options_;
  std::string prefix_;
  Listing listing_;
};

}  // namespace

std::string renderGoDuration(std::chrono::milliseconds duration) {
  int64_t millis = duration.count();
  if (millis == 0) return "0s";
  if (millis < 1000) return fmt::format("{}ms", millis);
  int64_t hours = millis / 3'600'000, minutes = millis / 60'000 % 60;
  auto seconds = fmt::format("{}", millis / 1000 % 60);
  if (millis % 1000 != 0) {
    seconds += fmt::format(".{:03}", millis % 1000);
    seconds.erase(seconds.find_last_not_of('0') + 1);
  }
  if (hours > 0) return fmt::format("{}h{}m{}s", hours, minutes, seconds);
  return minutes > 0 ? fmt::format("{}m{}s", minutes, seconds) : seconds + "s";
}

json::Value renderNodeMetrics(const json::Value& node, const client::Usage& usage) {
  auto metrics = renderHead(node, usage);
  metrics["usage"] = renderUsage(usage);
  return metrics;
}

json::Value renderPodMetrics(const json::Value& pod, const client::PodUsage& usage) {
  json::Array containers;
  client::Usage first;
  for (const auto& container : usage.containers) {
    if (containers.empty() || container.usage.at < first.at) first = container.usage;
    containers.push_back(json::Object{{"name", container.name}, {"usage", renderUsage(container.usage)}});
  }
  auto metrics = renderHead(pod, first);
  metrics["containers"] = std::move(containers);
  return metrics;
}

Listing listMetrics(const Backend& backend, const schema::Kind& kind, std::string_view ns, const ListOptions& options) {
  Measurement measurement(backend, kind, options);
  return kind.resource.scope == meta::Scope::kCluster ? measurement.ofNodes() : measurement.ofPods(ns);
}

}  // namespace wherry::apiserver
