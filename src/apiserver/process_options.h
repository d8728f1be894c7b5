// exec and attach as values: which container and which streams a request asks for, and what is told at the end. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apiserver/request_info.h"
#include "client/node_connection.h"
#include "json/value.h"
#include "meta/object.h"

namespace wherry::apiserver {

enum class ProcessKind { kExec, kAttach };

// The container that is meant: the one that is named, or the only one. Throws BadRequest.
std::string chooseContainer(const meta::Object& pod, std::string_view wanted);

// Throws BadRequest when no stream is asked for, or an exec has no command. A terminal has no stderr of its own.
client::ProcessOptions readProcessOptions(ProcessKind kind, const Query& query, std::string container);

// What the error stream says, in upstream's words: a Status, Success too.
json::Value processStatus(ProcessKind kind, const client::ProcessOptions& options, const client::ProcessEnd& end);
// The same in the versions before v4.channel.k8s.io: the message of a failure, "" for success.
std::string processStatusText(const json::Value& status);

// The sizes that a client sends, one `{"Width":80,"Height":24}` behind the other, in pieces. What is none is left out.
class TerminalSizeReader {
 public:
  std::vector<client::TerminalSize> add(std::string_view text);

 private:
  std::string text_;  // of the size that has not come whole
};

}  // namespace wherry::apiserver
