// The files of one container's log. conmon writes <attempt>.log; rotation renames it to <attempt>.log.<time>, as
// upstream names them, and conmon begins a new one. Not compressed: reading goes on from one to the next.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace wherry::kubelet {

// "/var/log/pods/.../0.log.20261125-203300.123"; names sort by time.
std::string rotatedLogName(std::string_view log, base::WallTime now);

// The paths that are there: the rotated ones, the oldest first, then the one that is being written.
std::vector<std::string> listLogFiles(const std::string& log);

// Deletes the oldest until at most `most` rotated ones are left.
void removeOldLogs(const std::string& log, size_t most);
// All of them; fine when there are none.
void removeLogFiles(const std::string& log);

}  // namespace wherry::kubelet
