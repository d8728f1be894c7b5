#include "main/dialing.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "main/socket_target.h"

namespace wherry::main {
namespace {

using Clock = std::chrono::steady_clock;

std::string outcomeOf(int error) {
  if (error == 0) return "connected";
  if (error == ECONNREFUSED) return "refused";
  if (error == ETIMEDOUT) return "timeout";
  return std::strerror(error);
}

// One connection in the making.
struct Dial {
  explicit Dial(const std::string& to) : result{to, ""} {
    auto target = parseTarget(to);
    if (!target) throw std::invalid_argument(fmt::format("{} is not an address and a port", to));
    fd.reset(::socket(target->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    int failed = fd ? ::connect(fd.get(), target->generic(), target->size) : -1;
    if (failed == 0 || errno != EINPROGRESS) finish(failed == 0 ? 0 : errno);
  }

  void finish(int error) {
    result.outcome = outcomeOf(error);
    fd.reset();
  }

  void finishConnecting() {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    finish(error);
  }

  Dialed result;
  base::Fd fd;  // while it is not known
};

// Waits for some of them; false when the time is over or all are known.
bool advance(std::vector<Dial>& dials, Clock::time_point deadline) {
  std::vector<pollfd> fds;
  std::vector<Dial*> open;
  for (Dial& dial : dials) {
    if (!dial.fd) continue;
    fds.push_back({dial.fd.get(), POLLOUT, 0});
    open.push_back(&dial);
  }
  auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  if (open.empty() || left <= 0) return false;
  ::poll(fds.data(), fds.size(), static_cast<int>(left));
  for (size_t i = 0; i < fds.size(); ++i) {
    if (fds[i].revents != 0) open[i]->finishConnecting();
  }
  return true;
}

}  // namespace

std::vector<Dialed> dialAll(const std::vector<std::string>& to, std::chrono::milliseconds patience) {
  if (to.size() > kMostDials) throw std::invalid_argument(fmt::format("more than {} at once", kMostDials));
  std::vector<Dial> dials;
  for (const std::string& target : to) dials.emplace_back(target);
  auto deadline = Clock::now() + patience;
  while (advance(dials, deadline)) {
  }
  std::vector<Dialed> results;
  for (Dial& dial : dials) {
    if (dial.fd) dial.finish(ETIMEDOUT);
    results.push_back(dial.result);
  }
  return results;
}

}  // namespace wherry::main
