// The proxy's table in the kernel of a node with two pods, for its tests. Needs root.
#pragma once

#include <optional>

#include "linux/nft/listed_lines.h"
#include "linux/scratch_node.h"
#include "proxy/kernel_table.h"

namespace wherry::proxy {

using base::IpAddress;
using linux::accepted;
using linux::address;
using linux::connectFrom;
using linux::generic;
using linux::ip;
using linux::listenIn;
using linux::received;
using linux::ScratchNamespace;
using linux::SocketAddress;
using linux::socketIn;
using linux::nft::sortedLines;
using KernelTableTest = linux::ScratchNodeTest;

// The rules and what a proxy keeps of them, in a node.
struct Loaded {
  Loaded(const ScratchNamespace& in, const Cidrs& cidrs) : node(in) {
    node.run([&] {
      kernel.emplace(cidrs);
      kernel->replace(slots);
    });
  }
  void set(const ServicePort& port, const Backends& backends) {
    Changes changes;
    slots.set(port, backends, changes);
    node.run([&] { kernel->apply(slots, changes); });
  }
  void remove(const ServicePort& port) {
    Changes changes;
    slots.remove(port, changes);
    node.run([&] { kernel->apply(slots, changes); });
  }

  const ScratchNamespace& node;
  Slots slots;
  std::optional<KernelTable> kernel;
};

}  // namespace wherry::proxy
