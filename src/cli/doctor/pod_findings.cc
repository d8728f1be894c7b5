#include <fmt/format.h>

#include "cli/doctor/findings.h"
#include "cli/doctor/phrases.h"
#include "cli/doctor/pod_trouble.h"

namespace wherry::cli {
namespace {

constexpr size_t kMostPods = 10;

std::string sentence(const core_v1::Pod& pod, const std::vector<core_v1::Event>& events) {
  return fmt::format("pod {}: {}", pod.metadata().name(), whyNotReady(pod, events));
}

}  // namespace

void addPodFindings(const ServiceFacts& facts, Findings& findings) {
  auto pods = selectedPods(facts);
  if (isExternalName(facts.service) || pods.empty()) return;
  std::vector<std::string> why;
  size_t ready = 0, troubled = 0;
  for (const auto& pod : pods) {
    if (isReady(pod) && !pod.metadata().deleting() && !hasEnded(pod)) {
      ++ready;
    } else if (++troubled <= kMostPods) {
      why.push_back(sentence(pod, facts.events));
    }
  }
  if (troubled > kMostPods) why.push_back(fmt::format("and {} more", troubled - kMostPods));
  bool needed = !facts.service.spec().publishNotReadyAddresses();
  if (ready == 0) {
    std::string text =
        pods.size() == 1 ? "its only pod is not ready" : fmt::format("none of its {} pods is ready", pods.size());
    findings.push_back({"pods", needed ? Level::kFail : Level::kNote, text, std::move(why)});
  } else {
    findings.push_back({"pods", why.empty() ? Level::kOk : Level::kNote,
                        fmt::format("{} of {} ready", ready, counted(pods.size(), "pod")), std::move(why)});
  }
}

}  // namespace wherry::cli
