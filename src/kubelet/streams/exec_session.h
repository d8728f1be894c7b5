// One exec: a process inside a container, and the client's streams to and from it.
#pragma once

#include <functional>
#include <memory>

#include "client/node_connection.h"
#include "kubelet/streams/console_socket.h"
#include "kubelet/streams/exec_process.h"
#include "kubelet/streams/session.h"

namespace wherry::kubelet {

// From any thread; to be started on the loop's. The process ends when the client goes, and when the session is
// destroyed.
std::shared_ptr<Session> newExecSession(const SessionContext& context, const Crun& crun,
                                        std::shared_ptr<ConsoleSocket> console, ExecTarget target,
                                        client::ProcessOptions options, std::shared_ptr<client::ProcessStreams> client);

}  // namespace wherry::kubelet
