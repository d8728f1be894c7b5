// Running skopeo, the only program here that speaks to registries. Safe from any thread.
#pragma once

#include <chrono>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>

namespace wherry::kubelet {

// How a registry is spoken to.
struct SkopeoAccess {
  std::string authFile;  // "" for the machine's own
  std::string certDir;   // holds ca.crt, client.cert and client.key as far as there are any; "" for the system's CAs
  bool insecure = false;
};

struct SkopeoCopy {
  std::string source;     // "docker://docker.io/library/nginx:latest", "docker-archive:FILE:TAG"
  std::string layout;     // directory of the OCI layout to make
  std::string blobs;      // where its blobs go
  std::string temporary;  // for what lies about meanwhile
  SkopeoAccess access;
  std::stop_token stop;
};

// skopeo could not do it; what() is its last word.
struct SkopeoError : std::runtime_error {
  using std::runtime_error::runtime_error;
  // The registry could not be reached at all (as opposed to: it answered no).
  bool unreachable = false;
};

void runSkopeoCopy(const SkopeoCopy& copy);

// The manifest, or list of manifests, that the registry has under `name` now ("docker.io/library/nginx:latest"), byte
// by byte. Counts as unreachable after `timeout`.
std::string skopeoManifest(const std::string& name, const SkopeoAccess& access, std::chrono::milliseconds timeout,
                           std::stop_token stop = {});

// The message in the last line of skopeo's log, which is `time="..." level=fatal msg="..."`. Pure.
std::string parseSkopeoError(std::string_view log);
// Whether such a message tells of a connection that never came about. Pure.
bool isUnreachable(std::string_view message);

}  // namespace wherry::kubelet
