// The Node object of this machine. Pure, but for readMachine().
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "base/clock.h"
#include "json/value.h"

namespace wherry::kubelet {

struct Machine {
  int cpus = 0;
  int64_t memory = 0;               // bytes
  int64_t diskSize = 0;             // bytes of the file system that holds the pods
  std::set<std::string> pressures;  // conditions of the Node that are True: "MemoryPressure"
  bool shuttingDown = false;
  std::string architecture;  // "amd64"
  std::string kernelVersion;
  std::string osImage;
  std::string machineId;
  std::string bootId;
  std::string runtimeVersion;  // "crun://1.8.1"
};

struct NodeName {
  std::string name;
  std::string ip;       // or of both families, separated by a comma
  std::string podCidr;  // likewise; "" when not known
  int maxPods = 110;
};

Machine readMachine(const std::string& dataDir);

// What a Node is created with, and what of it is brought up to date on every start: labels and status.
// `images` is status.images (node_images.h).
json::Value renderNode(const NodeName& node, const Machine& machine, base::WallTime now, json::Array images = {});

// `live` with our labels and status; conditions that did not change keep their times, so that a start writes nothing
// new.
json::Value updateNode(const json::Value& live, const json::Value& rendered);

int64_t allocatableMemory(const Machine& machine);

}  // namespace wherry::kubelet
