// Kernel namespaces that are kept alive by a bind mount, and running code inside a network namespace. Stateless; safe
// from any thread. Failures are std::system_error.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace wherry::linux {

// The namespaces that a pod's containers share, each kept as a file.
struct SharedNamespaces {
  std::string net;  // "" leaves the kind out
  std::string ipc;
  std::string uts;
};

// Makes new namespaces and binds them to those files (made when missing; their directory exists). `inside` runs in
// them, before this returns. On failure nothing stays mounted.
void createNamespaces(const SharedNamespaces& files, const std::function<void()>& inside);

// Unmounts and removes the file; nothing happens when it is missing.
void removeNamespace(const std::string& file);

// Whether `file` is a namespace bound there (and not an empty file left over).
bool isNamespace(const std::string& file);

// Runs `inside` on a thread of its own in the network namespace kept at `file`; its exception is thrown on.
void runInNetworkNamespace(const std::string& file, const std::function<void()>& inside);

}  // namespace wherry::linux
