// A pod's sandbox in the test host, and real containers in it one after the other, the way the kubelet's worker makes
// them.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "base/random.h"
#include "kubelet/runtime/containers.h"
#include "kubelet/runtime/oci_spec.h"
#include "kubelet/runtime/pod_init.h"
#include "kubelet/runtime/sandbox.h"
#include "kubelet/testing/test_host.h"

namespace wherry::kubelet {

class RunningPod {
 public:
  RunningPod()
      : layer_(makeBusyboxLayer(directory.path() + "/layer")),
        network_({.podCidr = "10.99.0.0/24",
                  .clusterCidr = "10.99.0.0/16",
                  .serviceCidr = "",
                  .dataDir = directory.data() + "/network",
                  .sysctlRecord = directory.data() + "/sysctls"}),
        crun({directory.run() + "/crun", directory.run() + "/exits"}, linux::readCgroups()),
        sandboxes({directory.data(), directory.run(), "192.0.2.1", &network_, &crun}) {
    network_.start();
    restart();
    sandboxes.create(pod(), "web");
  }
  ~RunningPod() {
    containers->removeAll(uid);
    sandboxes.remove(uid);
    network_.removeAll();
  }

  // As after a start of the server: all that is known of the containers is what is on disk.
  void restart() {
    containers.emplace(directory.data(), directory.run(), crun, base::Clock::system());
    containers->adopt();
  }

  // Another sandbox, whose containers share their processes for as long as the result is open.
  base::Fd shareProcesses() {
    sandboxes.remove(uid);
    sharesProcesses_ = true;
    sandboxes.create(pod(), "web");
    base::Fd processes = openPodProcesses(crun, containers->pathsOf(uid));
    pidNamespace_ = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(processes.get());
    return processes;
  }

  // The next attempt of the one container; `spec` is its in the pod.
  NewContainer next(std::vector<std::string> arguments, json::Value spec = json::Object{}) {
    spec_ = std::move(spec);
    NewContainer container;
    int attempt = attempts_++;
    container.record = {.podUid = uid, .name = "main", .attempt = attempt};
    container.record.log = directory.data() + "/logs/main/" + std::to_string(attempt) + ".log";
    container.lower = {layer_};
    container.terminal = json::getBool(spec_, "tty");
    container.stdin = json::getBool(spec_, "stdin");
    container.stdinOnce = json::getBool(spec_, "stdinOnce");
    container.spec = [this, arguments = std::move(arguments), record = container.record](const std::string& rootfs) {
      return render(arguments, record, rootfs);
    };
    return container;
  }
  ContainerRecord run(std::vector<std::string> arguments, json::Value spec = json::Object{}) {
    return containers->start(containers->create(next(std::move(arguments), std::move(spec))));
  }

  // With the latest container as its only one.
  meta::ObjectPtr object() const {
    json::Object metadata{{"name", "web"}, {"namespace", "default"}, {"uid", uid}};
    json::Object container = spec_.is_object() ? spec_.get_object() : json::Object{};
    container["name"] = "main";
    json::Array list;
    list.push_back(std::move(container));
    json::Object spec{{"containers", std::move(list)}, {"shareProcessNamespace", sharesProcesses_}};
    return std::make_shared<const meta::Object>(
        json::Value(json::Object{{"metadata", std::move(metadata)}, {"spec", std::move(spec)}}));
  }
  core_v1::Pod pod() const { return core_v1::Pod(object()); }
  std::vector<pid_t> processes(const ContainerRecord& record) const {
    return linux::cgroupProcesses(crun.cgroups(),
                                  containers->pathsOf(uid).containerCgroup(record.name, record.attempt));
  }

  const std::string uid = base::newUuid();
  TestDirectory directory;

 private:
  json::Value render(const std::vector<std::string>& arguments, const ContainerRecord& record,
                     const std::string& rootfs) const {
    auto paths = containers->pathsOf(uid);
    core_v1::Container container(&spec_);
    return renderSpec({.pod = pod(),
                       .container = container,
                       .user = containerUser(pod(), container, {}, {}),
                       .env = {"PATH=/bin", "HOME=/", "COLOR=blue"},
                       .arguments = arguments,
                       .mounts = {{"/dev/shm", paths.shm()}},
                       .namespaces = paths.namespaceFiles(),
                       .pidNamespace = pidNamespace_,
                       .rootfs = rootfs,
                       .cgroupsPath = paths.containerCgroup(record.name, record.attempt),
                       .bounding = boundingCapabilities()});
  }

  std::string layer_;
  json::Value spec_;  // of the latest container
  network::PodNetwork network_;
  int attempts_ = 0;
  bool sharesProcesses_ = false;
  std::string pidNamespace_;

 public:
  Crun crun;
  Sandboxes sandboxes;
  std::optional<Containers> containers;  // always there
};

}  // namespace wherry::kubelet
