// Fault points: places, named by what has just been done, where a test lets the process die as if by kill -9, to see
// what a crash there leaves behind. Compiled in always; one relaxed load when none is armed. Safe from any thread.
//
//   base::faultPoint("sandbox-recorded");            // a name that is not in the list does not compile
//
//   WHERRY_FAULT=sandbox-recorded wherry server      dies at the first passage
//   WHERRY_FAULT=sandbox-recorded:3 wherry server    dies at the third
//
// `wherry server --list-fault-points` prints the names; test/system/fault-points walks them all.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <string_view>

namespace wherry::base {

inline constexpr auto kFaultPoints = std::to_array<std::string_view>({
    // start of the node
    "masquerade-loaded",
    "services-loaded",
    "dns-address-added",
    // the pod's sandbox
    "sandbox-directories-made",
    "sandbox-recorded",
    "sandbox-namespaces-made",
    "sandbox-cgroup-made",
    "sandbox-shm-mounted",
    "pod-init-started",
    "address-recorded",
    "link-made",
    "link-pod-side-set",
    "link-host-side-set",
    "sandbox-address-recorded",
    "pod-files-written",
    "payload-written",
    "payload-shown",
    "volume-made",
    "pod-prepared",
    // a container's start
    "subpath-bound",
    "container-directories-made",
    "container-recorded",
    "container-log-directory-made",
    "container-root-mounted",
    "container-spec-written",
    "conmon-started",
    "conmon-moved",
    "container-created",
    "container-started",
    "container-start-recorded",
    "status-written",
    // endpoints
    "endpoints-applied",
    // a container's end
    "container-signalled",
    "container-killed",
    "container-exit-seen",
    "container-exit-recorded",
    "container-deleted",
    "conmon-gone",
    "container-root-unmounted",
    "container-files-removed",
    "container-exit-forgotten",
    // the pod's end
    "last-status-written",
    "containers-removed",
    "link-removed",
    "connections-forgotten",
    "address-released",
    "namespaces-removed",
    "sandbox-mounts-removed",
    "sandbox-volumes-removed",
    "sandbox-cgroup-removed",
    "sandbox-files-removed",
    "pod-logs-removed",
    "pod-deleted",
    // volumes of storage drivers
    "csi-recorded",
    "csi-staged",
    "csi-published",
    "csi-unpublished",
    "csi-unstaged",
    // images
    "layer-unpacked",
    "layer-in-place",
    "image-listed",
    "image-unlisted",
});

// One of the above, found while compiling.
class FaultPoint {
 public:
  consteval FaultPoint(const char* name) {  // NOLINT(google-explicit-constructor): made to be written as a literal
    while (kFaultPoints.at(static_cast<size_t>(index_)) != name) ++index_;
  }
  int index() const { return index_; }

 private:
  int index_ = 0;
};

namespace fault_point_detail {
inline constexpr int kNone = -1;
inline std::atomic<int> armed{kNone};
void pass();
}  // namespace fault_point_detail

inline void faultPoint(FaultPoint point) {
  if (fault_point_detail::armed.load(std::memory_order_relaxed) == point.index()) [[unlikely]] {
    fault_point_detail::pass();
  }
}

// "name" or "name:n". To be called before there are threads. Throws std::invalid_argument for anything else.
void armFaultPoint(std::string_view text);

}  // namespace wherry::base
