#include "kubelet/probes/probe_action.h"

#include <cerrno>
#include <system_error>

#include <fmt/format.h>
#include <poll.h>

#include "base/fd.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "kubelet/probes/grpc_probe.h"
#include "kubelet/probes/http_probe.h"
#include "kubelet/probes/probe_counter.h"
#include "net/socket.h"

namespace wherry::kubelet {
namespace {

using std::chrono::milliseconds;

constexpr size_t kMaxOutput = 10 << 10;

// 0, or the error of the connection.
int connectError(const std::string& host, int port, milliseconds timeout) {
  try {
    base::Fd fd = net::beginConnect(net::resolve({.host = host, .port = static_cast<uint16_t>(port)}).front());
    pollfd entry{fd.get(), POLLOUT, 0};
    if (::poll(&entry, 1, static_cast<int>(timeout.count())) <= 0) return ETIMEDOUT;
    return net::connectError(fd.get());
  } catch (const std::system_error& error) {
    return error.code().value();
  }
}

}  // namespace

std::string dialMessage(std::string_view host, int port, int error) {
  if (error == ETIMEDOUT) return fmt::format("dial tcp {}:{}: i/o timeout", host, port);
  return fmt::format("dial tcp {}:{}: connect: {}", host, port, base::toLower(std::generic_category().message(error)));
}

std::string noSuchPort(const json::Value* port) {
  return fmt::format("couldn't find port: {}", port ? json::serialize(*port) : "none");
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
    return {false, base::toUtf8((finished.out + finished.err).substr(0, kMaxOutput))};
  } catch (const std::exception& error) {
    return {false, error.what()};
  }
}

ProbeAnswer runProbe(const core_v1::Probe& probe, const ProbeTarget& target) {
  milliseconds timeout = timesOf(probe).timeout;
  if (probe.hasExec()) return probeExec(probe.exec(), target, timeout);
  if (probe.hasHttpGet()) return probeHttp(probe.httpGet(), target, timeout);
  if (probe.hasTcpSocket()) return probeTcp(probe.tcpSocket(), target, timeout);
  if (probe.hasGrpc()) return probeGrpc(probe.grpc(), target, timeout);
  return {false, "missing probe handler"};
}

}  // namespace wherry::kubelet
