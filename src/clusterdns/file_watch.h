// Tells of a file that was written or replaced (inotify), also one that does not exist yet. On the loop's thread.
#pragma once

#include <functional>
#include <string>

#include "base/fd.h"
#include "net/event_loop.h"

namespace wherry::clusterdns {

// As long as the loop runs. A warning when the file's directory can't be watched.
void watchFile(net::EventLoop& loop, const std::string& path, std::function<void()> onChange);

}  // namespace wherry::clusterdns
