#include "controllers/replica_calculator.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "meta/cron_schedule.h"
#include "meta/quantity.h"
#include "meta/time.h"

namespace wherry::controllers {

using autoscaling_v2::MetricSpec;
using autoscaling_v2::MetricTarget;
using base::WallTime;
using core_v1::Pod;
using metrics_v1beta1::PodMetrics;
using std::chrono::seconds;

namespace {

constexpr seconds kCpuInitialization(300);  // a pod's CPU counts early only while it is ready,
constexpr seconds kInitialReadiness(30);    // and one that was never ready within this time is still starting

// Ends the calculation.
struct Unable {
  std::string why;
};

struct Sample {
  int64_t milli = 0;
  WallTime at{};
  std::chrono::nanoseconds window{};
};
using Samples = std::map<std::string, Sample, std::less<>>;  // by pod

// Of a pod, or of its container when one is named.
std::optional<int64_t> usageOf(const PodMetrics& metrics, std::string_view resource, std::string_view container) {
  int64_t milli = 0;
  bool found = false;
  for (const auto each : metrics.containers()) {
    if (!container.empty() && each.name() != container) continue;
    const auto quantity = meta::Quantity::parse(each.usage().get(resource));
    if (!quantity) return std::nullopt;
    milli += quantity->milli();
    found = true;
  }
  if (!container.empty() && !found) {
    throw Unable{fmt::format("container {} not present in metrics for pod {}/{}", container, metrics.metadata().ns(),
                             metrics.metadata().name())};
  }
  return found ? std::optional(milli) : std::nullopt;
}

Samples samplesOf(const std::vector<PodMetrics>& usage, std::string_view resource, std::string_view container) {
  const std::string unable = fmt::format("unable to get metrics for resource {}: ", resource);
  if (usage.empty()) throw Unable{unable + "no metrics returned from resource metrics API"};
  Samples samples;
  try {
    for (const auto& metrics : usage) {
      const auto milli = usageOf(metrics, resource, container);
      if (!milli) continue;
      std::string error;
      samples[std::string(metrics.metadata().name())] = {
          *milli, meta::parseTime(metrics.timestamp()).value_or(WallTime{}),
          meta::parseGoDuration(metrics.window(), error).value_or(std::chrono::nanoseconds(0))};
    }
  } catch (const Unable& why) {
    throw Unable{unable + "failed to get container metrics: " + why.why};
  }
  return samples;
}

core_v1::PodCondition readyCondition(const Pod& pod) {
  for (const auto condition : pod.status().conditions()) {
    if (condition.type() == "Ready") return condition;
  }
  return {};
}

// Its use of the CPU is that of starting.
bool isStarting(const Pod& pod, const Sample& sample, WallTime now) {
  const auto ready = readyCondition(pod);
  const auto started = meta::parseTime(pod.status().startTime());
  if (!ready || !started) return true;
  const auto since = meta::parseTime(ready.lastTransitionTime()).value_or(WallTime{});
  const bool isReady = ready.status() != "False";
  if (*started + kCpuInitialization > now) return !isReady || sample.at < since + sample.window;
  return !isReady && *started + kInitialReadiness > since;
}

struct Groups {
  int64_t ready = 0;
  std::set<std::string> unready, missing, ignored;
};

Groups groupPods(const std::vector<Pod>& pods, const Samples& samples, std::string_view resource, WallTime now) {
  Groups groups;
  for (const auto& pod : pods) {
    const std::string name(pod.metadata().name());
    const auto sample = samples.find(name);
    if (pod.metadata().deleting() || pod.status().phase() == "Failed") {
      groups.ignored.insert(name);
    } else if (pod.status().phase() == "Pending") {
      groups.unready.insert(name);
    } else if (sample == samples.end()) {
      groups.missing.insert(name);
    } else if (resource == "cpu" && isStarting(pod, sample->second, now)) {
      groups.unready.insert(name);
    } else {
      ++groups.ready;
    }
  }
  return groups;
}

using Requests = std::map<std::string, int64_t, std::less<>>;  // in thousandths, by pod

void addRequest(int64_t& sum, const core_v1::Container& container, std::string_view resource, const Pod& pod) {
  const auto quantity = meta::Quantity::parse(container.resources().requests().get(resource));
  if (!quantity) {
    throw Unable{fmt::format("missing request for {} in container {} of Pod {}", resource, container.name(),
                             pod.metadata().name())};
  }
  sum += quantity->milli();
}

Requests requestsOf(const std::vector<Pod>& pods, std::string_view resource, std::string_view container) {
  Requests requests;
  for (const auto& pod : pods) {
    int64_t& sum = requests[std::string(pod.metadata().name())];
    const auto ofPod = meta::Quantity::parse(pod.spec().resources().requests().get(resource));
    if (ofPod && container.empty()) {
      sum = ofPod->milli();
      continue;
    }
    for (const auto each : pod.spec().containers()) {
      if (container.empty() || each.name() == container) addRequest(sum, each, resource, pod);
    }
    for (const auto each : pod.spec().initContainers()) {
      const bool wanted = each.restartPolicy() == "Always" && (container.empty() || each.name() == container);
      if (wanted) addRequest(sum, each, resource, pod);
    }
  }
  return requests;
}

// What the pods use, beside what they should.
struct Usage {
  double ratio = 0;         // 1: exactly at the target
  int64_t average = 0;      // in thousandths
  int64_t utilization = 0;  // percent of the requests
};

// The target as a part of what the pods request, or as a quantity.
class Goal {
 public:
  Goal(const MetricTarget& target, std::string_view resource, const MetricSamples& samples, std::string_view container)
      : byValue_(target.hasAverageValue()) {
    if (byValue_) {
      target_ = meta::Quantity::parse(target.averageValue()).value_or(meta::Quantity()).milli();
    } else {
      target_ = target.averageUtilization();
      requests_ = requestsOf(samples.pods, resource, container);
    }
  }

  Usage measure(const Samples& samples) const {
    int64_t used = 0, requested = 0, count = 0;
    for (const auto& [pod, sample] : samples) {
      const auto request = requests_.find(pod);
      if (!byValue_ && request == requests_.end()) continue;
      used += sample.milli;
      if (!byValue_) requested += request->second;
      ++count;
    }
    if (byValue_) {
      const int64_t average = count > 0 ? used / count : 0;
      return {target_ > 0 ? static_cast<double>(average) / static_cast<double>(target_) : 0, average, 0};
    }
    if (requested == 0) throw Unable{"no metrics returned matched known pods"};
    const int64_t utilization = used * 100 / requested;
    return {static_cast<double>(utilization) / static_cast<double>(target_), used / count, utilization};
  }

  // What a pod is taken for of which nothing is known, where pods would be removed.
  int64_t assumed(const std::string& pod) const {
    if (byValue_) return target_;
    const auto request = requests_.find(pod);
    return request == requests_.end() ? 0 : request->second * std::max<int64_t>(100, target_) / 100;
  }

  bool byValue() const { return byValue_; }

 private:
  bool byValue_;
  int64_t target_ = 0;  // thousandths, or percent
  Requests requests_;
};

bool isNear(double ratio, const Tolerance& tolerance) {
  return 1.0 - tolerance.down <= ratio && ratio <= 1.0 + tolerance.up;
}

int64_t wantedReplicas(const Goal& goal, const Usage& usage, Samples samples, const Groups& groups,
                       const MetricSamples& input) {
  const bool withUnready = !groups.unready.empty() && usage.ratio > 1.0;
  const auto ceiling = [](double value) { return static_cast<int64_t>(std::ceil(value)); };
  if (!withUnready && groups.missing.empty()) {
    if (isNear(usage.ratio, input.tolerance)) return input.currentReplicas;
    return ceiling(usage.ratio * static_cast<double>(groups.ready));
  }
  for (const auto& pod : groups.missing) {
    if (usage.ratio < 1.0) samples[pod].milli = goal.assumed(pod);
    if (usage.ratio > 1.0) samples[pod].milli = 0;
  }
  if (withUnready) {
    for (const auto& pod : groups.unready) samples[pod].milli = 0;
  }
  const double ratio = goal.measure(samples).ratio;
  const bool turned = (usage.ratio < 1.0 && ratio > 1.0) || (usage.ratio > 1.0 && ratio < 1.0);
  if (turned || isNear(ratio, input.tolerance)) return input.currentReplicas;
  const auto replicas = ceiling(ratio * static_cast<double>(samples.size()));
  const bool otherWay =
      (ratio < 1.0 && replicas > input.currentReplicas) || (ratio > 1.0 && replicas < input.currentReplicas);
  return otherWay ? input.currentReplicas : replicas;
}

struct Source {
  std::string_view resource, container;
  MetricTarget target;
};

MetricProposal computeResource(const Source& source, const MetricSamples& input, WallTime now) {
  Samples samples = samplesOf(input.usage, source.resource, source.container);
  if (input.pods.empty()) throw Unable{"no pods returned by selector while calculating replica count"};
  const auto groups = groupPods(input.pods, samples, source.resource, now);
  for (const auto* pods : {&groups.ignored, &groups.unready}) {
    for (const auto& pod : *pods) samples.erase(pod);
  }
  if (samples.empty()) throw Unable{"did not receive metrics for targeted pods (pods might be unready)"};
  const Goal goal(source.target, source.resource, input, source.container);
  const auto usage = goal.measure(samples);
  MetricProposal proposal{
      .replicas = wantedReplicas(goal, usage, samples, groups, input), .metricName = "", .status = {}};
  json::Object current{{"averageValue", meta::Quantity::ofMilli(usage.average).text()}};
  if (!goal.byValue()) current["averageUtilization"] = usage.utilization;
  json::Object status{{"name", source.resource}, {"current", std::move(current)}};
  if (!source.container.empty()) status["container"] = source.container;
  proposal.status = std::move(status);
  proposal.metricName = goal.byValue() ? fmt::format("{} resource", source.resource)
                                       : fmt::format("{} {}resource utilization (percentage of request)",
                                                     source.resource, source.container.empty() ? "" : "container ");
  return proposal;
}

MetricOutcome computeSource(const Source& source, const char* field, const char* type, const char* reason,
                            const MetricSamples& samples, WallTime now) {
  const auto fail = [&](std::string why) { return MetricOutcome{std::nullopt, reason, std::move(why)}; };
  const bool byValue = source.target.hasAverageValue();
  if (!byValue && !source.target.hasAverageUtilization()) {
    return fail(
        "invalid resource metric source: neither an average utilization target nor an average value (usage) "
        "target was set");
  }
  try {
    auto proposal = computeResource(source, samples, now);
    proposal.status = json::Object{{"type", type}, {field, std::move(proposal.status)}};
    return {std::move(proposal), "", ""};
  } catch (const Unable& unable) {
    return fail(fmt::format("failed to get {} {}: {}", source.resource, byValue ? "usage" : "utilization", unable.why));
  }
}

// Metrics that other programs would serve.
MetricOutcome refuse(std::string_view kind, std::string_view name, std::string_view api) {
  return {std::nullopt, fmt::format("FailedGet{}Metric", kind),
          fmt::format("unable to get metric {}: no {} API ({}) registered", name,
                      kind == "External" ? "external metrics" : "custom metrics", api)};
}

}  // namespace

MetricOutcome computeMetric(const MetricSpec& metric, const MetricSamples& samples, WallTime now) {
  constexpr std::string_view kCustom = "custom.metrics.k8s.io";
  if (metric.type() == "Resource") {
    const auto source = metric.resource();
    return computeSource({source.name(), "", source.target()}, "resource", "Resource", "FailedGetResourceMetric",
                         samples, now);
  }
  if (metric.type() == "ContainerResource") {
    const auto source = metric.containerResource();
    return computeSource({source.name(), source.container(), source.target()}, "containerResource", "ContainerResource",
                         "FailedGetContainerResourceMetric", samples, now);
  }
  if (metric.type() == "Pods") return refuse("Pods", metric.pods().metric().name(), kCustom);
  if (metric.type() == "Object") return refuse("Object", metric.object().metric().name(), kCustom);
  return refuse("External", metric.external().metric().name(), "external.metrics.k8s.io");
}

}  // namespace wherry::controllers
