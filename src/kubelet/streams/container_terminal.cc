#include "kubelet/streams/container_terminal.h"

#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strings.h"

namespace wherry::kubelet {
namespace {

namespace fs = std::filesystem;

// A copy of conmon's descriptor. Its control fifo won't do: of two lines that are there at once, as kubectl's first two
// sizes are, conmon 2.1.6 heeds the first one twice.
base::Fd takeTerminal(pid_t conmon, int process) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(fmt::format("/proc/{}/fd", conmon), error)) {
    std::string target = fs::read_symlink(entry.path(), error).string();
    auto number = base::parseInt<int>(entry.path().filename().string());
    if (!number || !target.ends_with("ptmx")) continue;
    return base::Fd(static_cast<int>(::syscall(SYS_pidfd_getfd, process, *number, 0)));
  }
  return {};
}

}  // namespace

void resizeTerminal(int terminal, client::TerminalSize size) {
  winsize window{.ws_row = size.height, .ws_col = size.width, .ws_xpixel = 0, .ws_ypixel = 0};
  ::ioctl(terminal, TIOCSWINSZ, &window);
}

void resizeTerminal(const Crun& crun, const std::string& id, const std::string& bundle, client::TerminalSize size) {
  std::string text = base::readFileIfExists(bundle + "/conmon.pid").value_or("");
  auto pid = base::parseInt<pid_t>(base::trim(text));
  // Opened before it is asked whether it is the conmon still: process ids are used again.
  base::Fd process(pid ? static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0)) : -1);
  if (!process || !crun.isMonitored(id, bundle)) return;
  base::Fd terminal = takeTerminal(*pid, process.get());
  if (terminal) resizeTerminal(terminal.get(), size);
}

}  // namespace wherry::kubelet
