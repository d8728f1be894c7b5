#include "kubelet/streams/node_connection.h"

#include <csignal>
#include <thread>

#include <fmt/format.h>

#include "kubelet/logs/log_line.h"
#include "kubelet/logs/log_reader.h"
#include "kubelet/logs/log_request.h"
#include "kubelet/pods/background.h"
#include "kubelet/pods/pod_containers.h"
#include "kubelet/streams/attach_session.h"
#include "kubelet/streams/console_socket.h"
#include "kubelet/streams/dialed_stream.h"
#include "kubelet/streams/exec_session.h"
#include "kubelet/streams/node_paths.h"
#include "kubelet/streams/node_usage.h"
#include "meta/status.h"
#include "net/exchange_sink.h"

namespace wherry::kubelet {
namespace {

constexpr size_t kLogsAtATime = 256;
constexpr size_t kMaxSessions = 1024;
constexpr size_t kSummariesAtATime = 4;

class LocalConnection : public client::NodeConnection {
 public:
  explicit LocalConnection(NodeConnectionOptions options)
      : options_(std::move(options)),
        containers_(options_.containers),
        clock_(options_.clock),
        usage_(options_.nodeName, containers_, clock_),
        logs_(kLogsAtATime),
        console_(std::make_shared<ConsoleSocket>(context_.loop, options_.runDir + "/console.sock")) {
    std::signal(SIGPIPE, SIG_IGN);  // a reader that has gone is an error of write(), not the end of the process
    killForsakenExecs(containers_.crun());
    console_->listen();
    thread_ = std::thread([loop = context_.loop] { loop->run(); });
  }

  ~LocalConnection() override {
    context_.loop->stop();
    thread_.join();
    context_.sessions->clear();
    parked_->clear();
  }

  void logs(std::string_view ns, std::string_view name, std::string_view podUid, const client::LogOptions& options,
            std::shared_ptr<client::ByteSink> sink) override {
    core_v1::Pod pod = getPod(ns, name, podUid);
    std::string uid = options_.uidOf(*pod.object());
    ContainerRecord record = chooseLog(pod, containers_.list(uid), options);
    LogFilter checked(options, clock_.now());
    LogSource source{record.log, containers_.pathsOf(uid).container(record.name, record.attempt), [this, record] {
                       auto now = containers_.find(record.podUid, record.name, record.attempt);
                       return !now || now->state() == ContainerRecord::State::kExited;
                     }};
    logs_.run([source, options, sink, this](const std::stop_token& stop) {
      sendLog(source, options, sink, clock_.now(), stop);
    });
  }

  client::StartProcess exec(std::string_view ns, std::string_view name, std::string_view podUid,
                            const client::ProcessOptions& options) override {
    if (options.command.empty()) throw meta::badRequest("you must specify at least one command for the container");
    ExecTarget target = targetOf(getRunning(getPod(ns, name, podUid), options.container));
    return [this, target, options](std::shared_ptr<client::ProcessStreams> streams) {
      begin(newExecSession(context_, containers_.crun(), console_, target, options, streams), streams);
    };
  }

  client::StartProcess attach(std::string_view ns, std::string_view name, std::string_view podUid,
                              const client::ProcessOptions& options) override {
    core_v1::Pod pod = getPod(ns, name, podUid);
    ContainerRecord record = getRunning(pod, options.container);
    AttachTarget target{.id = record.id(), .bundle = targetOf(record).bundle};
    if (auto container = findContainer(pod, record.name)) {
      target.stdin = container->spec.stdin();
      target.stdinOnce = container->spec.stdinOnce();
      target.tty = container->spec.tty();
    }
    return [this, target, options](std::shared_ptr<client::ProcessStreams> streams) {
      begin(newAttachSession(context_, containers_.crun(), parked_, target, options, streams), streams);
    };
  }

  void dial(std::string_view ns, std::string_view name, std::string_view podUid, uint16_t port,
            client::OnDialed done) override {
    core_v1::Pod pod = getPod(ns, name, podUid);
    std::string uid = options_.uidOf(*pod.object());
    std::string netns = pod.spec().hostNetwork() ? "" : containers_.pathsOf(uid).namespaceFiles().net;
    dialPod(context_.loop, {uid, netns, port}, std::move(done));
  }

  void serve(std::string_view path, net::ExchangePtr exchange) override {
    if (auto log = parseContainerLogPath(path)) {
      net::Headers headers;
      headers.add("Content-Type", "text/plain");
      auto sink = net::newExchangeSink(std::move(exchange), std::move(headers));
      return logs(log->ns, log->pod, "", log->options, std::move(sink));
    }
    path = path.substr(0, path.find('?'));
    if (path != "/stats/summary") return exchange->respond(answer(path));
    summaries_.run([this, exchange = std::move(exchange)](const std::stop_token& stop) {
      exchange->respond(net::Response::text(200, "application/json", json::serialize(summary(stop))));
    });
  }
  client::NodeUsage usage() override { return toNodeUsage(usage_.read(options_.listPods())); }

 private:
  net::Response answer(std::string_view path) {
    constexpr const char* kMetrics = "text/plain; version=0.0.4; charset=utf-8";
    auto measure = [this] { return usage_.read(options_.listPods()); };
    if (path == "/healthz" || path.starts_with("/healthz/")) return net::Response::text(200, "text/plain", "ok");
    if (path == "/metrics") {
      return net::Response::text(200, kMetrics, renderKubeletMetrics(measure(), readProcessMeasure()));
    }
    if (path == "/metrics/resource") return net::Response::text(200, kMetrics, renderResourceMetrics(measure()));
    if (path == "/pods" || path == "/pods/") return net::Response::text(200, "application/json", renderPods());
    return net::Response::text(404, "text/plain; charset=utf-8", "404 page not found\n");
  }

  json::Value summary(const std::stop_token& stop) {
    const auto pods = options_.listPods();
    NodeMeasure measure = usage_.read(pods);
    for (PodMeasure& measured : measure.pods) {
      for (const meta::ObjectPtr& pod : pods) {
        if (pod->metadata().uid() == measured.uid) measured.volumes = options_.volumeStats(pod, stop);
      }
    }
    return renderSummary(measure);
  }

  std::string renderPods() const {
    json::Array items;
    for (const meta::ObjectPtr& pod : options_.listPods()) items.push_back(pod->tree());
    return json::serialize(json::Object{
        {"kind", "PodList"}, {"apiVersion", "v1"}, {"metadata", json::Object{}}, {"items", std::move(items)}});
  }

  core_v1::Pod getPod(std::string_view ns, std::string_view name, std::string_view uid) const {
    auto object = options_.findPod(ns, name);
    bool same = object && (uid.empty() || object->metadata().uid() == uid);
    if (!same || options_.uidOf(*object).empty()) throw meta::notFound({"", "pods"}, name);
    return core_v1::Pod(object);
  }

  // The attempt of the container that runs now; without a name the pod's first.
  ContainerRecord getRunning(const core_v1::Pod& pod, std::string name) const {
    if (name.empty()) name = (*pod.spec().containers().begin()).name();
    for (const ContainerRecord& record : containers_.list(options_.uidOf(*pod.object()))) {
      if (record.name == name && record.state() == ContainerRecord::State::kRunning) return record;
    }
    throw meta::internalError(fmt::format("container not found (\"{}\")", name));
  }

  ExecTarget targetOf(const ContainerRecord& record) const {
    PodPaths paths = containers_.pathsOf(record.podUid);
    return {record.id(), paths.container(record.name, record.attempt),
            paths.containerCgroup(record.name, record.attempt)};
  }

  void begin(std::shared_ptr<Session> session, const std::shared_ptr<client::ProcessStreams>& streams) {
    context_.loop->post([session = std::move(session), sessions = context_.sessions, streams] {
      if (sessions->size() >= kMaxSessions) return streams->finish({.error = "too many sessions on this node"});
      sessions->insert(session);
      session->start();
    });
  }

  const NodeConnectionOptions options_;
  Containers& containers_;
  const base::Clock& clock_;
  NodeUsageReader usage_;
  BackgroundTasks logs_;
  BackgroundTasks summaries_{kSummariesAtATime};
  SessionContext context_{std::make_shared<net::EventLoop>(), std::make_shared<Sessions>()};
  std::shared_ptr<ConsoleSocket> console_;
  std::shared_ptr<ParkedConnections> parked_ = std::make_shared<ParkedConnections>();
  std::thread thread_;
};

}  // namespace

std::shared_ptr<client::NodeConnection> newNodeConnection(NodeConnectionOptions options) {
  return std::make_shared<LocalConnection>(std::move(options));
}

}  // namespace wherry::kubelet
