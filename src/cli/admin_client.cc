#include "cli/admin_client.h"

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strings.h"
#include "net/http_client.h"

namespace wherry::cli {
namespace {

bool somebodyListens(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw std::runtime_error("--run-dir is too long for a socket: " + path);
  path.copy(address.sun_path, path.size());
  base::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) base::throwErrno("socket");
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

net::Request requestOf(const std::string& method, const std::string& path) {
  net::Request request;
  request.method = method;
  auto parts = base::splitOnce(path, '?');
  request.path = parts ? std::string(parts->first) : path;
  request.query = parts ? std::string(parts->second) : "";
  return request;
}

}  // namespace

AdminClient::AdminClient(std::string runDir) : runDir_(std::move(runDir)) {}

json::Value AdminClient::call(const std::string& method, const std::string& path,
                              std::chrono::milliseconds timeout) const {
  auto client = net::newHttpClient({.url = "unix:" + runDir_ + "/admin.sock", .timeout = timeout});
  net::ClientResponse response;
  try {
    response = client->call(requestOf(method, path));
  } catch (const std::system_error& error) {
    throw std::runtime_error(describeSilence(error.code()));
  }
  json::Value body = response.body.empty() ? json::Value(json::Object()) : json::parse(response.body);
  if (response.status >= 400)
    throw std::runtime_error(std::string(json::getString(body, "message", "the server refused")));
  return body;
}

std::string AdminClient::describeSilence(const std::error_code& error) const {
  std::string text = fmt::format("no server answers on {}/admin.sock ({})", runDir_, error.message());
  if (error.value() == EACCES) return text + "; only root may ask: sudo wherry ...";
  std::string reason = lastError(runDir_);
  return text + (reason.empty() ? "; is `wherry server` running?" : "; it ended with: " + reason);
}

json::Value AdminClient::get(const std::string& path, std::chrono::milliseconds timeout) const {
  return call("GET", path, timeout);
}

json::Value AdminClient::post(const std::string& path, std::chrono::milliseconds timeout) const {
  return call("POST", path, timeout);
}

json::Value AdminClient::remove(const std::string& path) const { return call("DELETE", path, std::chrono::minutes(1)); }

void AdminClient::postLines(const std::string& path, const std::function<void(const json::Value&)>& onLine) const {
  auto client = net::newHttpClient({.url = "unix:" + runDir_ + "/admin.sock"});
  int status = 0;
  std::string rest;
  auto onData = [&](std::string_view data) {
    rest += data;
    size_t start = 0;
    for (size_t end; (end = rest.find('\n', start)) != std::string::npos; start = end + 1) {
      json::Value line = json::parse(std::string_view(rest).substr(start, end - start));
      if (status >= 400) throw std::runtime_error(std::string(json::getString(line, "message", "the server refused")));
      onLine(line);
    }
    rest.erase(0, start);
    return true;
  };
  auto onHead = [&](const net::ClientResponse& head) {
    status = head.status;
    return true;
  };
  try {
    client->stream(requestOf("POST", path), {}, onHead, onData);
  } catch (const std::system_error& error) {
    throw std::runtime_error(describeSilence(error.code()));
  }
}

bool AdminClient::waitForSocket(std::chrono::steady_clock::time_point deadline) const {
  base::makeDirectories(runDir_);
  base::Fd watch(::inotify_init1(IN_CLOEXEC));
  if (!watch || ::inotify_add_watch(watch.get(), runDir_.c_str(), IN_CREATE | IN_MOVED_TO) < 0) {
    base::throwErrno("inotify " + runDir_);
  }
  // A socket file may be left of a server that was killed: what counts is that somebody listens.
  while (!somebodyListens(runDir_ + "/admin.sock")) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd fds{watch.get(), POLLIN, 0};
    if (left.count() <= 0 || ::poll(&fds, 1, static_cast<int>(left.count())) == 0) return false;
    char events[4096];
    [[maybe_unused]] ssize_t read = ::read(watch.get(), events, sizeof events);
  }
  return true;
}

std::string lastError(const std::string& runDir) {
  try {
    return std::string(base::trim(base::readFileIfExists(runDir + "/last-error").value_or("")));
  } catch (const std::system_error&) {  // another user's
    return {};
  }
}

}  // namespace wherry::cli
