// Launcher: turns a container of a pod into a running one: environment, mounts, OCI configuration, create, start.
// Blocks for some tens of milliseconds. Safe from any thread for different pods.
#pragma once

#include <stdexcept>
#include <string>

#include "client/event_recorder.h"
#include "kubelet/images/image_store.h"
#include "kubelet/pods/decide.h"
#include "kubelet/pods/dns_config.h"
#include "kubelet/pods/pod_facts.h"
#include "kubelet/runtime/capabilities.h"
#include "kubelet/runtime/containers.h"
#include "kubelet/runtime/sandbox.h"

namespace wherry::kubelet {

// Why a container can't be started; `reason` as its status shows it.
struct LaunchError : std::runtime_error {
  LaunchError(std::string reasonName, const std::string& message)
      : std::runtime_error(message), reason(std::move(reasonName)) {}
  std::string reason;  // "CreateContainerConfigError", "CreateContainerError"
};

struct LaunchRequest {
  core_v1::Pod pod;
  core_v1::Container container;
  StartContainer action;
  Image image;
  SandboxRecord sandbox;
  PodFacts facts;
};

class Launcher {
 public:
  Launcher(Containers& containers, ImageStore& images, client::EventRecorder& events, ObjectLookup lookup,
           std::string dataDir, std::string logDir, std::string clusterDomain, int64_t memoryCapacity);

  // Returns the container's record: it runs, or has ended already when the runtime could not run it. Throws
  // LaunchError; nothing is left of the container then.
  ContainerRecord launch(const LaunchRequest& request);

 private:
  NewContainer prepare(const LaunchRequest& request, const base::Fd& pidNamespace) const;
  json::Value spec(const LaunchRequest& request, const ContainerRecord& record, const std::string& rootfs,
                   const base::Fd& pidNamespace) const;
  base::Fd openProcesses(const LaunchRequest& request) const;

  Containers& containers_;
  ImageStore& images_;
  client::EventRecorder& events_;
  ObjectLookup lookup_;
  std::string dataDir_;
  std::string logDir_;
  std::string clusterDomain_;
  int64_t memoryCapacity_;
  CapabilityMask bounding_;
};

}  // namespace wherry::kubelet
