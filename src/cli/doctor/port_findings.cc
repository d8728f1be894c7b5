#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"
#include "cli/doctor/findings.h"
#include "cli/doctor/phrases.h"

namespace wherry::cli {
namespace {

// A port that a container declares.
struct Declared {
  std::string container, name, protocol;
  int64_t number = 0;

  std::string text() const {
    std::string at = fmt::format("{}/{}", number, protocol);
    return name.empty() ? at : fmt::format("{} ({})", name, at);
  }
};

std::vector<Declared> declaredPorts(const core_v1::Pod& pod) {
  std::vector<Declared> declared;
  auto add = [&](const core_v1::Container& container) {
    for (auto port : container.ports()) {
      declared.push_back({std::string(container.name()), std::string(port.name()),
                          std::string(protocolOf(port.protocol())), port.containerPort()});
    }
  };
  for (auto container : pod.spec().containers()) add(container);
  for (auto container : pod.spec().initContainers()) {
    if (container.restartPolicy() == "Always") add(container);
  }
  return declared;
}

std::string textOf(const std::vector<Declared>& declared) {
  std::vector<std::string> texts;
  for (const Declared& port : declared) texts.push_back(port.text());
  return texts.empty() ? "declares no ports" : "declares " + listed(texts);
}

// What a port of the Service is to the pods.
class PortCheck {
 public:
  PortCheck(const core_v1::ServicePort& port, const std::vector<core_v1::Pod>& pods)
      : port_(port), pods_(pods), target_(targetText(port)), protocol_(protocolOf(port.protocol())) {}

  void add(Findings& findings) {
    bool named = port_.targetPort() && port_.targetPort()->is_string();
    std::vector<std::string> without;
    for (const auto& pod : pods_) {
      auto declared = declaredPorts(pod);
      if (!has(declared, named)) without.push_back(whatPodHas(pod, declared, named));
    }
    findings.push_back(named ? namedFinding(std::move(without)) : numberFinding(std::move(without)));
  }

 private:
  bool names(const Declared& declared, bool named) const {
    return named ? declared.name == target_ : std::to_string(declared.number) == target_;
  }
  bool has(const std::vector<Declared>& declared, bool named) const {
    return std::any_of(declared.begin(), declared.end(),
                       [&](auto& one) { return names(one, named) && one.protocol == protocol_; });
  }
  std::string whatPodHas(const core_v1::Pod& pod, const std::vector<Declared>& declared, bool named) const {
    for (const Declared& one : declared) {
      if (!names(one, named)) continue;
      return fmt::format("pod {} has {} for {}, the Service's port is {}", pod.metadata().name(), target_, one.protocol,
                         protocol_);
    }
    return fmt::format("pod {} {}", pod.metadata().name(), textOf(declared));
  }

  Finding namedFinding(std::vector<std::string> without) const {
    bool all = without.size() == pods_.size();
    size_t count = without.size();
    shorten(without);
    if (count == 0)
      return {"ports", Level::kOk, fmt::format("{} leads to the pods' port {}", portText(port_), target_)};
    if (all) {
      return {"ports", Level::kFail,
              fmt::format("targetPort {} of port {} is the name of no container port", target_, portText(port_)),
              std::move(without)};
    }
    return {"ports", Level::kNote,
            fmt::format("targetPort {} of port {} is unknown to {} of {}", target_, portText(port_), count,
                        counted(pods_.size(), "pod")),
            std::move(without)};
  }

  // Declaring a port is information for the reader: what counts is who listens.
  Finding numberFinding(std::vector<std::string> without) const {
    if (without.empty()) {
      return {"ports", Level::kOk,
              fmt::format("{} leads to the pods' port {}/{}", portText(port_), target_, protocol_)};
    }
    shorten(without);
    without.emplace_back("that is allowed: what counts is that something listens there");
    return {"ports", Level::kNote,
            fmt::format("no container port is {}/{}, where port {} leads to", target_, protocol_, portText(port_)),
            std::move(without)};
  }

  static void shorten(std::vector<std::string>& sentences) {
    constexpr size_t kMost = 5;
    if (sentences.size() <= kMost) return;
    std::string more = fmt::format("and {} more", sentences.size() - kMost);
    sentences.resize(kMost);
    sentences.push_back(std::move(more));
  }

  const core_v1::ServicePort& port_;
  const std::vector<core_v1::Pod>& pods_;
  std::string target_, protocol_;
};

}  // namespace

void addPortFindings(const ServiceFacts& facts, Findings& findings) {
  if (isExternalName(facts.service)) return;
  std::vector<core_v1::Pod> pods;
  for (const auto& pod : selectedPods(facts)) {
    if (!hasEnded(pod)) pods.push_back(pod);
  }
  if (pods.empty()) return;
  for (auto port : facts.service.spec().ports()) PortCheck(port, pods).add(findings);
}

}  // namespace wherry::cli
