// A pod's sandbox in the test host, and real containers in it, the way the kubelet's worker makes them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "kubelet/runtime/containers.h"
#include "kubelet/runtime/oci_spec.h"
#include "kubelet/runtime/sandbox.h"
#include "kubelet/testing/test_host.h"

namespace wherry::kubelet {

class RunningPod {
 public:
  RunningPod()
      : layer_(makeBusyboxLayer(directory.path() + "/layer")),
        network_({"10.99.0.0/24", "10.99.0.0/16", directory.data() + "/network"}),
        crun({directory.run() + "/crun", directory.run() + "/exits"}, linux::readCgroups()),
        containers(directory.data(), directory.run(), crun, base::Clock::system()),
        sandboxes_({directory.data(), directory.run(), "192.0.2.1", &network_, &crun}) {
    network_.start();
    sandboxes_.create(pod(), "web");
  }
  ~RunningPod() {
    containers.removeAll(uid);
    sandboxes_.remove(uid);
    network_.removeAll();
  }

  // `spec` is the container's in the pod.
  ContainerRecord run(std::vector<std::string> arguments, json::Value spec = json::Object{}) {
    spec_ = spec;
    NewContainer container;
    container.record = {.podUid = uid, .name = "main", .attempt = attempts_++};
    container.record.log = directory.data() + "/logs/main.log";
    container.lower = {layer_};
    container.terminal = json::getBool(spec, "tty");
    container.stdin = json::getBool(spec, "stdin");
    container.stdinOnce = json::getBool(spec, "stdinOnce");
    container.spec = [&](const std::string& rootfs) { return render(arguments, container.record, rootfs); };
    return containers.start(containers.create(container));
  }

  // With the latest container as its only one.
  meta::ObjectPtr object() const {
    json::Object metadata{{"name", "web"}, {"namespace", "default"}, {"uid", uid}};
    json::Object container = spec_.is_object() ? spec_.get_object() : json::Object{};
    container["name"] = "main";
    json::Array list;
    list.push_back(std::move(container));
    json::Object spec{{"containers", std::move(list)}};
    return std::make_shared<const meta::Object>(
        json::Value(json::Object{{"metadata", std::move(metadata)}, {"spec", std::move(spec)}}));
  }
  core_v1::Pod pod() const { return core_v1::Pod(object()); }
  std::vector<pid_t> processes(const ContainerRecord& record) const {
    return linux::cgroupProcesses(crun.cgroups(), containers.pathsOf(uid).containerCgroup(record.name, record.attempt));
  }

  const std::string uid = base::newUuid();
  TestDirectory directory;

 private:
  json::Value render(const std::vector<std::string>& arguments, const ContainerRecord& record,
                     const std::string& rootfs) const {
    auto paths = containers.pathsOf(uid);
    core_v1::Container container(&spec_);
    return renderSpec({.pod = pod(),
                       .container = container,
                       .user = containerUser(pod(), container, {}, {}),
                       .env = {"PATH=/bin", "HOME=/", "COLOR=blue"},
                       .arguments = arguments,
                       .mounts = {{"/dev/shm", paths.shm()}},
                       .namespaces = paths.namespaceFiles(),
                       .rootfs = rootfs,
                       .cgroupsPath = paths.containerCgroup(record.name, record.attempt),
                       .bounding = boundingCapabilities()});
  }

  std::string layer_;
  json::Value spec_;  // of the latest container
  network::PodNetwork network_;
  int attempts_ = 0;

 public:
  Crun crun;
  Containers containers;

 private:
  Sandboxes sandboxes_;
};

}  // namespace wherry::kubelet
