// NodeConnection: what the API server asks of a node directly, because it is a stream and not an object. Implemented by
// the kubelet in the same process, and by HTTPS for a remote node; main/ hands it to the API server.
//
// Safe from any thread. Calls return at once; data is handed over on a thread of the node's, errors are StatusErrors.
// Nobody reads without bound: a write() that answers false, and a paused reader, hold the other side back.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "net/byte_stream.h"
#include "net/server.h"

namespace wherry::client {

struct LogOptions {
  std::string container;
  bool follow = false;
  bool previous = false;
  bool timestamps = false;
  std::optional<int64_t> sinceSeconds;
  std::string sinceTime;  // RFC 3339
  std::optional<int64_t> tailLines;
  std::optional<int64_t> limitBytes;
};

using net::ByteSink;
using net::ByteStream;

// Of an exec or an attach.
struct ProcessOptions {
  std::string container;
  std::vector<std::string> command;  // exec's
  bool stdin = false;
  bool stdout = false;
  bool stderr = false;
  bool tty = false;
};

struct TerminalSize {
  uint16_t width = 0;  // in characters
  uint16_t height = 0;
};

// How it ended: with an exit code, or not at all for the reason that `error` names.
struct ProcessEnd {
  int exitCode = 0;
  std::string error;
};

// The client's end of an exec or attach. Its handlers are set once, before the node's side writes anything.
class ProcessStreams {
 public:
  enum class Output { kStdout, kStderr };

  virtual ~ProcessStreams() = default;
  virtual bool write(Output output, std::string_view data) = 0;  // as ByteSink's
  virtual void onWritable(std::function<void()> handler) = 0;
  virtual void finish(const ProcessEnd& end) = 0;  // after all output; nothing is called after it
  virtual void onStdin(std::function<void(std::string_view)> handler) = 0;
  virtual void onStdinEnd(std::function<void()> handler) = 0;
  virtual void pauseStdin(bool paused) = 0;
  virtual void onResize(std::function<void(TerminalSize)> handler) = 0;
  virtual void onClosed(std::function<void()> handler) = 0;  // the client has gone: end the process
};
// To be called once, when the client's streams stand.
using StartProcess = std::function<void(std::shared_ptr<ProcessStreams>)>;

// Null and why ("failed to connect to localhost:80 inside namespace ...") when there is nobody.
using OnDialed = std::function<void(std::shared_ptr<ByteStream>, std::string error)>;

struct Usage {
  base::WallTime at;
  std::chrono::milliseconds window{0};  // over which `cpuNanocores` is the average
  uint64_t cpuNanocores = 0;
  uint64_t memoryWorkingSet = 0;  // bytes
};
struct ContainerUsage {
  std::string name;
  Usage usage;
};
struct PodUsage {
  std::string ns;
  std::string name;
  std::vector<ContainerUsage> containers;
};
struct NodeUsage {
  Usage node;
  std::vector<PodUsage> pods;
};

class NodeConnection {
 public:
  virtual ~NodeConnection() = default;
  // Checks first and throws StatusError (NotFound, BadRequest "container ... is waiting to start: ..."); else starts
  // sending.
  virtual void logs(std::string_view ns, std::string_view pod, std::string_view podUid, const LogOptions& options,
                    std::shared_ptr<ByteSink> sink) = 0;
  // Check first and throw StatusError; nothing runs before the result is called.
  virtual StartProcess exec(std::string_view ns, std::string_view pod, std::string_view podUid,
                            const ProcessOptions& options) = 0;
  virtual StartProcess attach(std::string_view ns, std::string_view pod, std::string_view podUid,
                              const ProcessOptions& options) = 0;
  // A TCP connection to a port of the pod, from inside its network namespace (its loopback). Throws StatusError when
  // there is no such pod.
  virtual void dial(std::string_view ns, std::string_view pod, std::string_view podUid, uint16_t port,
                    OnDialed done) = 0;
  // The node's own HTTP paths (nodes/proxy): `path` with query, below the proxy's.
  virtual void serve(std::string_view path, net::ExchangePtr exchange) = 0;
  // What containers use now. Reads the kernel's counters at the call: nothing is sampled in between.
  virtual NodeUsage usage() = 0;
};

// The connection to a node by its name; null when there is no such node.
using NodeConnections = std::function<std::shared_ptr<NodeConnection>(std::string_view node)>;

}  // namespace wherry::client
