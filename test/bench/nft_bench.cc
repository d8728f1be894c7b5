// How long the kernel takes to load the proxy's table and to change it: 10,000 Services with 10 endpoints each, in a
// network namespace of its own (needs root). `nft_bench [services] [endpoints]` prints one figure a line.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#include <netinet/in.h>
#include <sched.h>
#include <sys/resource.h>

#include "base/fd.h"
#include "proxy/kernel_table.h"

namespace {

using namespace wherry;
using proxy::Changes;
using proxy::Endpoint;
using proxy::ServicePort;

constexpr int kChanges = 2000;

double milliseconds(const std::function<void()>& work) {
  auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

ServicePort service(uint32_t number) { return {{0x0a600000 + number}, IPPROTO_TCP, 80}; }

std::vector<Endpoint> endpointsOf(uint32_t number, uint32_t count) {
  std::vector<Endpoint> endpoints;
  for (uint32_t i = 0; i < count; ++i) endpoints.push_back({{0x0af40000 + (number * count + i) % 60000}, 8080});
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

}  // namespace

int main(int argc, char** argv) {
  uint32_t services = argc > 1 ? static_cast<uint32_t>(std::atoi(argv[1])) : 10000;
  uint32_t count = argc > 2 ? static_cast<uint32_t>(std::atoi(argv[2])) : 10;
  if (::unshare(CLONE_NEWNET) != 0) base::throwErrno("make a network namespace");
  proxy::Slots slots;
  Changes unrecorded(Changes::Record::kNothing);
  for (uint32_t number = 0; number < services; ++number) {
    slots.set(service(number), endpointsOf(number, count), unrecorded);
  }
  proxy::KernelTable kernel({});
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
}
