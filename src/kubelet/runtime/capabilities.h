// Linux capabilities of containers (capabilities(7)). Pure but for boundingCapabilities().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wherry::kubelet {

using CapabilityMask = uint64_t;  // bit n is capability n

// By number; "NET_ADMIN" and "CAP_NET_ADMIN" alike.
std::optional<int> findCapability(std::string_view name);

// What a container may have that asks for nothing: the set that container engines agree on.
CapabilityMask defaultCapabilities();

// `base` with securityContext.capabilities applied; "ALL" is every one. Nothing is given that `bounding` lacks: the
// kernel would refuse to start the process.
CapabilityMask applyCapabilities(CapabilityMask base, const std::vector<std::string>& add,
                                 const std::vector<std::string>& drop, CapabilityMask bounding);

std::vector<std::string> capabilityNames(CapabilityMask mask);  // "CAP_CHOWN", ...

// What this process may pass on.
CapabilityMask boundingCapabilities();

}  // namespace wherry::kubelet
