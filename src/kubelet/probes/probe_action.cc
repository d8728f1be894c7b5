#include "kubelet/probes/probe_action.h"

#include <algorithm>
#include <cctype>
#include <system_error>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strings.h"
#include "kubelet/probes/probe_counter.h"
#include "net/http_client.h"

namespace wherry::kubelet {
namespace {

using std::chrono::milliseconds;

constexpr size_t kMaxOutput = 10 << 10;

// "Connection refused" as the messages of Kubernetes have it.
std::string wordsOf(int error) {
  std::string text = std::generic_category().message(error);
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string noSuchPort(const json::Value* port) {
  return fmt::format("couldn't find port: {}", port ? json::serialize(*port) : "none");
}

// 0, or the error of the connection.
int connectError(const std::string& ip, int port, milliseconds timeout) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  if (::inet_pton(AF_INET, ip.c_str(), &address.sin_addr) != 1) return EADDRNOTAVAIL;
  base::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return errno;
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  pollfd entry{fd.get(), POLLOUT, 0};
  if (::poll(&entry, 1, static_cast<int>(timeout.count())) <= 0) return ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

}  // namespace

std::string dialMessage(const std::string& ip, int port, int error) {
  if (error == ETIMEDOUT) return fmt::format("dial tcp {}:{}: i/o timeout", ip, port);
  return fmt::format("dial tcp {}:{}: connect: {}", ip, port, wordsOf(error));
}

net::Request httpProbeRequest(const core_v1::HTTPGetAction& action, const std::string& authority) {
  net::Request request{.method = "GET"};
  auto parts = base::splitOnce(action.path(), '?');
  request.path = parts ? parts->first : action.path();
  request.query = parts ? parts->second : std::string_view();
  if (!request.path.starts_with('/')) request.path = "/" + request.path;
  request.headers.set("Host", authority);
  request.headers.set("User-Agent", "kube-probe/1.36");
  request.headers.set("Accept", "*/*");
  request.headers.set("Connection", "close");
  for (auto header : action.httpHeaders()) request.headers.set(std::string(header.name()), std::string(header.value()));
  return request;
}

std::optional<int> findPort(const json::Value* port, const core_v1::Container& container) {
  if (!port) return std::nullopt;
  if (port->is_int64()) return static_cast<int>(port->get_int64());
  if (!port->is_string()) return std::nullopt;
  for (auto known : container.ports()) {
    if (known.name() == std::string_view(port->get_string())) return static_cast<int>(known.containerPort());
  }
  return base::parseInt<int>(port->get_string());
}

HttpAnswer requestHttp(const core_v1::HTTPGetAction& action, const ProbeTarget& target, milliseconds timeout) {
  auto port = findPort(action.port(), target.container);
  if (!port) return {0, noSuchPort(action.port())};
  std::string host = action.host().empty() ? target.ip : std::string(action.host());
  std::string scheme = action.scheme() == "HTTPS" ? "https" : "http";
  std::string authority = fmt::format("{}:{}", host, *port), origin = scheme + "://" + authority;
  net::Request request = httpProbeRequest(action, authority);
  std::string url = origin + request.path + (request.query.empty() ? "" : "?" + request.query);
  try {
    auto client = net::newHttpClient({.url = origin, .timeout = timeout});
    return {client->call(request).status, {}};
  } catch (const std::system_error& error) {
    if (error.code().value() == ETIMEDOUT) {
      return {0, fmt::format("Get \"{}\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
                             url)};
    }
    return {0, fmt::format("Get \"{}\": {}", url, dialMessage(host, *port, error.code().value()))};
  } catch (const std::exception& error) {
    return {0, fmt::format("Get \"{}\": {}", url, error.what())};
  }
}

ProbeAnswer probeHttp(const core_v1::HTTPGetAction& action, const ProbeTarget& target, milliseconds timeout) {
  HttpAnswer answer = requestHttp(action, target, timeout);
  if (answer.status == 0) return {false, answer.error};
  if (answer.status >= 200 && answer.status < 400) return {true, {}};
  return {false, fmt::format("HTTP probe failed with statuscode: {}", answer.status)};
}

ProbeAnswer probeTcp(const core_v1::TCPSocketAction& action, const ProbeTarget& target, milliseconds timeout) {
  auto port = findPort(action.port(), target.container);
  if (!port) return {false, noSuchPort(action.port())};
  std::string host = action.host().empty() ? target.ip : std::string(action.host());
  int error = connectError(host, *port, timeout);
  return {error == 0, error == 0 ? "" : dialMessage(host, *port, error)};
}

ProbeAnswer probeExec(const core_v1::ExecAction& action, const ProbeTarget& target, milliseconds timeout) {
  std::vector<std::string> argv;
  for (std::string_view part : action.command()) argv.emplace_back(part);
  if (argv.empty()) return {false, "no command"};
  try {
    auto finished = target.exec(argv, timeout);
    if (finished.ok()) return {true, {}};
    if (finished.timedOut) {
      return {false, fmt::format("command timed out: \"{}\" timed out after {}s", base::join(argv, " "),
                                 timeout.count() / 1000)};
    }
    return {false, (finished.out + finished.err).substr(0, kMaxOutput)};
  } catch (const std::exception& error) {
    return {false, error.what()};
  }
}

ProbeAnswer runProbe(const core_v1::Probe& probe, const ProbeTarget& target) {
  milliseconds timeout = timesOf(probe).timeout;
  if (probe.hasExec()) return probeExec(probe.exec(), target, timeout);
  if (probe.hasHttpGet()) return probeHttp(probe.httpGet(), target, timeout);
  if (probe.hasTcpSocket()) return probeTcp(probe.tcpSocket(), target, timeout);
  return {false, "this kind of probe is not supported"};
}

}  // namespace wherry::kubelet
