// Sends a container's log to whoever asked: what there is, and with `follow` what comes, until the container has ended.
// Blocks the calling thread meanwhile, without polling: on the file's changes, the receiver and `stop`.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "client/node_connection.h"

namespace wherry::kubelet {

struct LogSource {
  std::string file;
  std::string recordDirectory;  // changes when the container ends
  std::function<bool()> ended;  // nothing more will be written
};

// The sink is finished at the end in any case. `options` have been checked (LogFilter's constructor).
void sendLog(const LogSource& source, const client::LogOptions& options, const std::shared_ptr<client::ByteSink>& sink,
             base::WallTime now, std::stop_token stop);

}  // namespace wherry::kubelet
