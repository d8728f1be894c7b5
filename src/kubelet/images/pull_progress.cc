#include "kubelet/images/pull_progress.h"

#include <fmt/format.h>

#include "kubelet/images/disk_space.h"

namespace wherry::kubelet {
namespace {

std::string what(const PullProgress& progress) {
  switch (progress.phase) {
    case PullProgress::Phase::kAsking:
      return "waiting for an answer of " + progress.registry;
    case PullProgress::Phase::kWaitingForOthers:
      return "waiting for other pulls";
    case PullProgress::Phase::kUnpacking:
      return "unpacking";
    case PullProgress::Phase::kFetching:
      break;
  }
  std::string bytes = humanBytes(progress.bytes);
  if (progress.totalBytes > 0) bytes += " of " + humanBytes(progress.totalBytes);
  return fmt::format("{} from {}", bytes, progress.registry);
}

}  // namespace

std::string renderProgress(const PullProgress& progress, std::chrono::seconds elapsed) {
  return fmt::format("{}, {}s so far", what(progress), elapsed.count());
}

}  // namespace wherry::kubelet
