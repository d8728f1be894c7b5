// How long the kernel takes to load the proxy's table and to change it: 10,000 Services with 10 endpoints each, in a
// network namespace of its own (needs root). `nft_bench [services] [endpoints]` prints one figure a line.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "linux/links.h"
#include "proxy/kernel_table.h"

namespace {

using namespace wherry;
using proxy::Changes;
using proxy::Endpoint;
using proxy::ServicePort;

constexpr int kChanges = 2000;
constexpr int kConnections = 5000;
constexpr int kRounds = 5;
constexpr base::IpAddress kServerAddress = base::IpAddress::ipv4(0xc0000201);  // 192.0.2.1
constexpr uint16_t kServerPort = 8080;

double milliseconds(const std::function<void()>& work) {
  auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

ServicePort service(uint32_t number) { return {base::IpAddress::ipv4(0x0a600000 + number), IPPROTO_TCP, 80}; }

std::vector<Endpoint> endpointsOf(uint32_t number, uint32_t count) {
  std::vector<Endpoint> endpoints;
  for (uint32_t i = 0; i < count; ++i)
    endpoints.push_back({base::IpAddress::ipv4(0x0af40000 + (number * count + i) % 60000), 8080});
  std::sort(endpoints.begin(), endpoints.end());
  return endpoints;
}

double percentile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(part * static_cast<double>(values.size() - 1))];
}

// One endpoint of a Service goes, then comes back.
std::vector<double> measureChanges(proxy::KernelTable& kernel, proxy::Slots& slots, uint32_t services, uint32_t count) {
  std::vector<double> times;
  for (uint32_t i = 0; i < kChanges; ++i) {
    uint32_t number = i / 2 * 7919 % services;
    auto endpoints = endpointsOf(number, count);
    if (i % 2 == 0) endpoints.erase(endpoints.begin());
    Changes changes;
    times.push_back(milliseconds([&] {
      slots.set(service(number), endpoints, changes);
      kernel.apply(slots, changes);
    }));
  }
  return times;
}

// New connections to an endpoint in the same namespace, by the cluster IP of a Service in the middle.
double connectionsPerSecond(const ServicePort& to) {
  base::Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in own{.sin_family = AF_INET, .sin_port = htons(kServerPort)};
  own.sin_addr.s_addr = htonl(kServerAddress.ipv4Value());
  if (::bind(listener.get(), reinterpret_cast<sockaddr*>(&own), sizeof own) != 0) base::throwErrno("bind");
  if (::listen(listener.get(), 128) != 0) base::throwErrno("listen");
  sockaddr_in target{.sin_family = AF_INET, .sin_port = htons(to.port)};
  target.sin_addr.s_addr = htonl(to.ip.ipv4Value());
  linger reset{.l_onoff = 1, .l_linger = 0};  // leaves no port behind
  double time = milliseconds([&] {
    for (int i = 0; i < kConnections; ++i) {
      base::Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
      if (::connect(client.get(), reinterpret_cast<sockaddr*>(&target), sizeof target) != 0)
        base::throwErrno("connect");
      base::Fd accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    }
  });
  return kConnections / time * 1000;
}

// The rate at `few` and at `many` Services, in turns, so that both meet the same neighbours; medians.
void measureConnections(proxy::KernelTable& kernel, uint32_t few, uint32_t many, uint32_t count) {
  std::vector<double> rates[2];
  for (int round = 0; round < kRounds * 2; ++round) {
    uint32_t services = round % 2 == 0 ? few : many;
    proxy::Slots slots;
    Changes unrecorded(Changes::Record::kNothing);
    for (uint32_t number = 0; number < services; ++number)
      slots.set(service(number), endpointsOf(number, count), unrecorded);
    slots.set(service(services / 2), {{kServerAddress, kServerPort}}, unrecorded);
    kernel.replace(slots);
    rates[round % 2].push_back(connectionsPerSecond(service(services / 2)));
  }
  double rateFew = percentile(rates[0], 0.5), rateMany = percentile(rates[1], 0.5);
  std::printf("nftables: new connections through a Service: %.0f/s at %u Services, %.0f/s at %u (%+.1f %%)\n", rateFew,
              few, rateMany, many, (rateMany / rateFew - 1) * 100);
}

void prepareLoopback() {
  linux::NetlinkSocket socket(NETLINK_ROUTE);
  linux::setLinkUp(socket, linux::findLink(socket, "lo")->index);
  linux::addAddress(socket, {.index = 1, .address = kServerAddress});
}

}  // namespace

int main(int argc, char** argv) {
  uint32_t services = argc > 1 ? static_cast<uint32_t>(std::atoi(argv[1])) : 10000;
  uint32_t count = argc > 2 ? static_cast<uint32_t>(std::atoi(argv[2])) : 10;
  if (::unshare(CLONE_NEWNET) != 0) base::throwErrno("make a network namespace");
  prepareLoopback();
  proxy::Slots slots;
  Changes unrecorded(Changes::Record::kNothing);
  for (uint32_t number = 0; number < services; ++number) {
    slots.set(service(number), endpointsOf(number, count), unrecorded);
  }
  proxy::KernelTable kernel({.services = base::IpPrefix::parse("10.96.0.0/12"), .pods = {}, .nodeAddresses = {}});
  double load = milliseconds([&] { kernel.replace(slots); });
  double again = milliseconds([&] { kernel.replace(slots); });
  auto times = measureChanges(kernel, slots, services, count);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  std::printf("nftables: load %u services x %u endpoints: %.0f ms\n", services, count, load);
  std::printf("nftables: replace it while it is in use: %.0f ms\n", again);
  std::printf("nftables: one endpoint change: p50 %.3f ms, p99 %.3f ms\n", percentile(times, 0.5),
              percentile(times, 0.99));
  std::printf("nftables: peak memory %ld MB\n", usage.ru_maxrss / 1024);
  measureConnections(kernel, 10, services, count);
}
