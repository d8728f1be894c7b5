// One attach: the client's streams to and from a container's first process, by the socket that its conmon offers in the
// bundle. Works for containers of an earlier process of ours too.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client/node_connection.h"
#include "kubelet/runtime/crun.h"
#include "kubelet/streams/inflow.h"
#include "kubelet/streams/session.h"

namespace wherry::kubelet {

// Connections that no client uses any more. conmon ends the stdin of a stdinOnce container with whichever connection
// is closed first, also one of a client that only looked: so these stay open, for the next who looks, until the
// container ends. On the loop's thread only.
using ParkedConnections = std::map<std::string, std::vector<std::shared_ptr<Inflow>>>;  // by bundle

struct AttachTarget {
  std::string id;  // of the container
  std::string bundle;
  bool stdin = false;
  bool stdinOnce = false;
  bool tty = false;  // what the container has, whatever the client asks for
};

// From any thread; to be started on the loop's. It ends with the container, or with its client, who takes nothing else
// along.
std::shared_ptr<Session> newAttachSession(const SessionContext& context, const Crun& crun,
                                          std::shared_ptr<ParkedConnections> parked, AttachTarget target,
                                          client::ProcessOptions options,
                                          std::shared_ptr<client::ProcessStreams> client);

}  // namespace wherry::kubelet
