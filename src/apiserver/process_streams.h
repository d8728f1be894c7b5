// The client's end of an exec or attach, over what its connection was upgraded to.
//
// The process starts when the client's streams stand, which has a time; when the client goes, the node is told so at
// once; when the process ends, its status goes out behind all output and the connection closes.
#pragma once

#include <memory>
#include <string>

#include "apiserver/dispatcher.h"
#include "apiserver/process_options.h"
#include "client/node_connection.h"
#include "meta/status.h"
#include "net/server.h"

namespace wherry::apiserver {

struct ProcessCall {
  ProcessKind kind;
  client::ProcessOptions options;
  client::StartProcess start;
};

// `protocol`: "v4.channel.k8s.io" and older. The dispatcher counts the 30 s in which the client must open its streams.
void startSpdyProcess(std::shared_ptr<net::RawConnection> connection, std::string_view protocol, ProcessCall call,
                      Dispatcher& dispatcher);

// `protocol`: "v5.channel.k8s.io" and older, also those in base64; "" is the oldest. Its streams are there at once.
std::shared_ptr<client::ProcessStreams> newWebSocketProcess(std::shared_ptr<net::RawConnection> connection,
                                                            std::string_view protocol, ProcessKind kind,
                                                            client::ProcessOptions options);
// Tells the client what a node said before anything started, and ends.
void refuseProcess(client::ProcessStreams& process, const meta::StatusError& error);

}  // namespace wherry::apiserver
