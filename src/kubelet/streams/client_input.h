// The client's stdin on its way to a process: what it sends is written, and it is held back while too much waits.
#pragma once

#include <memory>

#include "client/node_connection.h"
#include "kubelet/streams/outflow.h"

namespace wherry::kubelet {

// Sets the client's onStdin and onStdinEnd, and the outflow's onWritable.
void connectInput(const std::shared_ptr<net::EventLoop>& loop, const std::shared_ptr<client::ProcessStreams>& client,
                  const std::shared_ptr<Outflow>& into);

}  // namespace wherry::kubelet
