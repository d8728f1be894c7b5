// NodeConnection: what the API server asks of a node directly, because it is a stream and not an object. Implemented by
// the kubelet in the same process, and by HTTPS for a remote node; main/ hands it to the API server.
//
// Safe from any thread. Calls return at once; data is handed over on a thread of the node's, errors are StatusErrors.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

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

// Where a stream's bytes go. write() answers false when the receiver is full: call again only after onWritable's call.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual bool write(std::string_view data) = 0;
  virtual void finish() = 0;
  virtual void onWritable(std::function<void()> handler) = 0;
  virtual void onClosed(std::function<void()> handler) = 0;  // the receiver has gone: stop
};

class NodeConnection {
 public:
  virtual ~NodeConnection() = default;
  // Checks first and throws StatusError (NotFound, BadRequest "container ... is waiting to start: ..."); else starts
  // sending.
  virtual void logs(std::string_view ns, std::string_view pod, std::string_view podUid, const LogOptions& options,
                    std::shared_ptr<ByteSink> sink) = 0;
};

// The connection to a node by its name; null when there is no such node.
using NodeConnections = std::function<std::shared_ptr<NodeConnection>(std::string_view node)>;

}  // namespace wherry::client
