#include "kubelet/logs/node_connection.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"
#include "kubelet/logs/log_line.h"
#include "kubelet/logs/log_reader.h"
#include "kubelet/pods/background.h"
#include "kubelet/pods/pod_containers.h"
#include "meta/status.h"

namespace wherry::kubelet {
namespace {

constexpr size_t kStreamsAtATime = 256;

std::vector<std::string> namesOf(const core_v1::Pod& pod) {
  std::vector<std::string> names;
  for (const PodContainer& container : containersOf(pod)) names.emplace_back(container.spec.name());
  return names;
}

// Why a container that never ran waits, as its status says it.
std::string waitingReason(const core_v1::Pod& pod, std::string_view name) {
  for (const char* list :
       {"status.containerStatuses", "status.initContainerStatuses", "status.ephemeralContainerStatuses"}) {
    const json::Value* statuses = json::find(pod.object()->tree(), list);
    if (!statuses || !statuses->is_array()) continue;
    for (const json::Value& status : statuses->get_array()) {
      if (json::getString(status, "name") != name) continue;
      auto reason = json::getString(status, "state.waiting.reason");
      if (!reason.empty()) return std::string(reason);
    }
  }
  return "ContainerCreating";
}

class LocalConnection : public client::NodeConnection {
 public:
  LocalConnection(client::Informer& pods, Containers& containers, const base::Clock& clock)
      : pods_(pods), containers_(containers), clock_(clock), streams_(kStreamsAtATime) {}

  void logs(std::string_view ns, std::string_view name, std::string_view podUid, const client::LogOptions& options,
            std::shared_ptr<client::ByteSink> sink) override {
    auto object = pods_.get(ns, name);
    bool same = object && (podUid.empty() || object->metadata().uid() == podUid);
    if (!same) throw meta::notFound({"", "pods"}, name);
    core_v1::Pod pod(object);
    std::string uid(object->metadata().uid());
    ContainerRecord record = chooseLog(pod, containers_.list(uid), options);
    LogFilter checked(options, clock_.now());
    LogSource source{record.log, containers_.pathsOf(uid).container(record.name, record.attempt), [this, record] {
                       auto now = containers_.find(record.podUid, record.name, record.attempt);
                       return !now || now->state() == ContainerRecord::State::kExited;
                     }};
    streams_.run([source, options, sink, this](const std::stop_token& stop) {
      sendLog(source, options, sink, clock_.now(), stop);
    });
  }

  client::StartProcess exec(std::string_view, std::string_view, std::string_view,
                            const client::ProcessOptions&) override {
    throw meta::serviceUnavailable("exec is not available yet");
  }
  client::StartProcess attach(std::string_view, std::string_view, std::string_view,
                              const client::ProcessOptions&) override {
    throw meta::serviceUnavailable("attach is not available yet");
  }
  void dial(std::string_view, std::string_view, std::string_view, uint16_t, client::OnDialed) override {
    throw meta::serviceUnavailable("dial is not available yet");
  }
  void serve(std::string_view, net::ExchangePtr) override {
    throw meta::serviceUnavailable("the node's paths are not available yet");
  }
  client::NodeUsage usage() override { return {}; }

 private:
  client::Informer& pods_;
  Containers& containers_;
  const base::Clock& clock_;
  BackgroundTasks streams_;
};

}  // namespace

ContainerRecord chooseLog(const core_v1::Pod& pod, const std::vector<ContainerRecord>& records,
                          const client::LogOptions& options) {
  std::string podName(pod.metadata().name()), name = options.container;
  bool single = pod.spec().containers().size() == 1;
  if (name.empty() && !single) {
    throw meta::badRequest(fmt::format("a container name must be specified for pod {}, choose one of: [{}]", podName,
                                       base::join(namesOf(pod), " ")));
  }
  if (name.empty()) name = pod.spec().containers()[0].name();
  if (!findContainer(pod, name))
    throw meta::badRequest(fmt::format("container {} is not valid for pod {}", name, podName));
  std::vector<ContainerRecord> attempts;
  for (const ContainerRecord& record : records) {
    if (record.name == name && record.state() != ContainerRecord::State::kCreated) attempts.push_back(record);
  }
  std::sort(attempts.begin(), attempts.end(), [](auto& a, auto& b) { return a.attempt > b.attempt; });
  if (options.previous) {
    // While a container waits for its next attempt, the previous one is the one that has ended.
    size_t index = !attempts.empty() && attempts[0].state() == ContainerRecord::State::kRunning ? 1 : 0;
    if (attempts.size() <= index ||
        (index == 0 && attempts[0].attempt == 0 && waitingReason(pod, name) != "CrashLoopBackOff")) {
      throw meta::badRequest(
          fmt::format("previous terminated container \"{}\" in pod \"{}\" not found", name, podName));
    }
    return attempts[index];
  }
  if (attempts.empty()) {
    throw meta::badRequest(
        fmt::format("container \"{}\" in pod \"{}\" is waiting to start: {}", name, podName, waitingReason(pod, name)));
  }
  return attempts[0];
}

std::shared_ptr<client::NodeConnection> newNodeConnection(client::Informer& pods, Containers& containers,
                                                          const base::Clock& clock) {
  return std::make_shared<LocalConnection>(pods, containers, clock);
}

}  // namespace wherry::kubelet
