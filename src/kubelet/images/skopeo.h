// Running skopeo, the only program here that speaks to registries. Safe from any thread.
#pragma once

#include <chrono>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>

namespace wherry::kubelet {

struct SkopeoCopy {
  std::string source;    // "docker://docker.io/library/nginx:latest", "docker-archive:FILE:TAG"
  std::string layout;    // directory of the OCI layout to make
  std::string blobs;     // where its blobs go
  std::string authFile;  // "" for the machine's own
  std::stop_token stop;
};

// skopeo could not do it; what() is its last word.
struct SkopeoError : std::runtime_error {
  using std::runtime_error::runtime_error;
  // The registry could not be reached at all (as opposed to: it answered no).
  bool unreachable = false;
};

void runSkopeoCopy(const SkopeoCopy& copy);

// The digest by which the registry knows `name` now. Counts as unreachable after `timeout`.
std::string skopeoDigest(const std::string& name, const std::string& authFile, std::chrono::milliseconds timeout,
                         std::stop_token stop = {});

// The message in the last line of skopeo's log, which is `time="..." level=fatal msg="..."`. Pure.
std::string parseSkopeoError(std::string_view log);
// Whether such a message tells of a connection that never came about. Pure.
bool isUnreachable(std::string_view message);

}  // namespace wherry::kubelet
