// A container's last words, as its status shows them.
#pragma once

#include <string>
#include <string_view>

namespace wherry::kubelet {

// The content of the file that a container may write (terminationMessagePath), at most 4 KiB; "" when there is none.
std::string readTerminationMessage(const std::string& file);

// For terminationMessagePolicy FallbackToLogsOnError: the end of a log in CRI format, at most 80 lines and 2 KiB,
// without times. Pure.
std::string messageFromLog(std::string_view log);
std::string messageFromLogFile(const std::string& file);

}  // namespace wherry::kubelet
