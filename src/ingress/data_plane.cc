#include "ingress/data_plane.h"

#include <algorithm>
#include <charconv>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/log.h"
#include "ingress/config_text.h"

namespace wherry::ingress {
namespace {

const base::Log kLog("ingress");

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kFirstRetry{500};
constexpr std::chrono::milliseconds kLastRetry{30000};
constexpr int kMostWithdrawals = 32;

const Answer kUnavailable{503, "", ""};

// "... cannot bind socket (Address already in use) for [0.0.0.0:80]"
uint16_t portThatIsTaken(const std::string& words) {
  size_t bind = words.find("cannot bind"), end = words.find(']', bind);
  if (bind == std::string::npos || end == std::string::npos) return 0;
  size_t colon = words.rfind(':', end);
  uint16_t port = 0;
  std::from_chars(words.data() + colon + 1, words.data() + end, port);
  return port;
}

// Of everybody who has a part in the port.
void complainOfPort(const Port& port, const std::string& reason, const std::string& words,
                    std::vector<Complaint>& complaints) {
  std::set<Origin> origins;
  for (const Route& route : port.routes) origins.insert(route.origin);
  for (const Passthrough& each : port.passthroughs) origins.insert(each.origin);
  for (const Origin& origin : origins) {
    complaints.push_back({origin, reason, fmt::format("port {} of the node: {}", port.number, words)});
  }
}

std::vector<std::string> mapCommands(const std::string& file, const std::map<std::string, std::string>& before,
                                     const std::map<std::string, std::string>& after) {
  std::vector<std::string> commands;
  for (const auto& [key, value] : before) {
    if (!after.contains(key)) commands.push_back(fmt::format("del map {} {}", file, key));
  }
  for (const auto& [key, value] : after) {
    auto old = before.find(key);
    if (old == before.end()) commands.push_back(fmt::format("add map {} {} {}", file, key, value));
    if (old != before.end() && old->second != value) {
      commands.push_back(fmt::format("set map {} {} {}", file, key, value));
    }
  }
  return commands;
}

bool isFree(uint16_t port) {
  base::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  int yes = 1;  // as HAProxy does: connections that linger don't count
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

bool hasSamePlaces(const std::map<std::string, Servers>& a, const std::map<std::string, Servers>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.first == y.first && x.second.size() == y.second.size();
  });
}

constexpr const char* kPodMap = "pods.map";

}  // namespace

bool withdraw(Model& model, const Origin& culprit) {
  bool found = false;
  for (auto& [number, port] : model.ports) {
    auto isGuilty = [&](const auto& each) { return each.origin == culprit; };
    auto hasAnswered = [&](const Route& route) { return isGuilty(route) && route.to.answer == kUnavailable; };
    size_t dropped = std::erase_if(port.routes, hasAnswered) + std::erase_if(port.passthroughs, isGuilty);
    found = found || dropped > 0;
    for (Route& route : port.routes) {
      if (!isGuilty(route)) continue;
      route.to = Backend();
      route.to.answer = kUnavailable;
      found = true;
    }
  }
  return found;
}

DataPlane::DataPlane(const Settings& settings, Hooks hooks)
    : settings_(settings), hooks_(std::move(hooks)), haproxy_(settings, hooks_.onEnd, hooks_.accessLog) {}

Shape DataPlane::render(const Model& model) {
  if (defaultCertificate_.empty()) defaultCertificate_ = hooks_.makeCertificate();
  return renderShape(model, settings_, defaultCertificate_);
}

Servers DataPlane::place(const Section& section) const {
  Endpoints endpoints;
  for (const Share& share : section.backend.shares) endpoints[share.target] = hooks_.endpointsOf(share.target);
  auto before = servers_.find(section.name);
  return placeServers(before == servers_.end() ? Servers() : before->second, wantedServers(section.backend, endpoints));
}

DataPlane::ServersBySection DataPlane::placeAll(const Shape& shape) const {
  ServersBySection servers;
  for (const auto& [name, section] : shape.sections) servers[name] = place(section);
  return servers;
}

std::map<std::string, std::string> DataPlane::pods(const Shape& shape, const ServersBySection& servers) const {
  std::map<std::string, std::string> keys;
  for (const auto& [name, section] : shape.sections) {
    auto found = servers.find(name);
    if (section.backend.podRouting != PodRouting::kNone && found != servers.end()) {
      keys.merge(podKeys(name, found->second));
    }
  }
  return keys;
}

void DataPlane::tell(const Shape& shape, const ServersBySection& before, const ServersBySection& after) const {
  std::vector<std::string> commands;
  for (const auto& [name, places] : after) {
    auto own = serverCommands(name, before.at(name), places);
    commands.insert(commands.end(), own.begin(), own.end());
  }
  auto ofPods =
      mapCommands(fmt::format("{}/{}", settings_.directory, kPodMap), pods(shape, before), pods(shape, after));
  commands.insert(commands.end(), ofPods.begin(), ofPods.end());
  admin().run(commands);
}

// By commands. False when that can't be, or failed.
bool DataPlane::change(const Shape& shape, ServersBySection servers) {
  if (!haproxy_.running() || !shape_.isLike(shape) || !hasSamePlaces(servers_, servers)) return false;
  try {
    tell(shape, servers_, servers);
    for (const auto& [name, pem] : shape.certificates) {
      if (shape_.certificates.at(name) != pem) haproxy_.replaceCertificate(name, pem);
    }
  } catch (const std::exception& error) {
    kLog.warn("HAProxy refuses a change: {}; loading it anew", error.what());
    return false;
  }
  shape_ = shape;
  servers_ = std::move(servers);
  return true;
}

std::optional<Refusal> DataPlane::load(const Shape& shape, ServersBySection servers) {
  Shape whole = shape;
  if (auto map = whole.files.find(kPodMap); map != whole.files.end()) {
    for (const auto& [key, place] : pods(shape, servers)) map->second += fmt::format("{} {}\n", key, place);
  }
  RouteCounters::Totals counted = counters_->count();
  isLoading_ = true;
  try {
    auto refusal = haproxy_.load(whole, withServers(shape, servers, settings_), hooks_.meanwhile, hooks_.wake);
    isLoading_ = false;
    if (refusal) return refusal;
  } catch (const std::exception& error) {  // the directory can't be written; there is no such program
    isLoading_ = false;
    return Refusal{.words = error.what()};
  }
  shape_ = shape;
  servers_ = std::move(servers);
  counters_->follow(std::move(counted), admin(), shape_.routes);
  retryAt_.reset();
  retryDelay_ = {};
  return std::nullopt;
}

// What it refuses is taken out until it takes the rest.
std::vector<Complaint> DataPlane::loadWhatIsTaken(Model model, Shape shape) {
  std::vector<Complaint> complaints = shape.complaints;
  unavailablePorts_.clear();
  bool isRetried = false;
  for (int tries = 0; tries < kMostWithdrawals; ++tries) {
    ServersBySection servers = placeAll(shape);
    auto refusal = load(shape, servers);
    if (!refusal) {
      catchUp();
      if (isRetried) postpone();
      return complaints;
    }
    Origin culprit = originOf(withServers(shape, servers, settings_), refusal->line);
    uint16_t port = portThatIsTaken(refusal->words);
    if (auto taken = model.ports.find(port); taken != model.ports.end()) {
      complainOfPort(taken->second, "PortUnavailable", refusal->words, complaints);
      unavailablePorts_[port] = refusal->words;
      model.ports.erase(taken);
      isRetried = true;
    } else if (withdraw(model, culprit)) {
      bool isKnown = std::any_of(complaints.begin(), complaints.end(),
                                 [&](const Complaint& complaint) { return complaint.about == culprit; });
      if (!isKnown) complaints.push_back({culprit, "RefusedByHAProxy", refusal->words});
    } else {
      for (const auto& [number, each] : model.ports) {
        complainOfPort(each, "HAProxyUnavailable", refusal->words, complaints);
      }
      break;
    }
    kLog.warn("HAProxy refuses a part of the configuration: {}", refusal->words);
    if (model.ports.empty()) break;
    shape = render(model);
  }
  kLog.error("HAProxy takes no configuration; the last one, if any, stays in force");
  postpone();
  return complaints;
}

void DataPlane::postpone() {
  retryDelay_ = std::clamp(retryDelay_ * 2, kFirstRetry, kLastRetry);
  retryAt_ = Clock::now() + retryDelay_;
}

std::vector<Complaint> DataPlane::setModel(Model model) {
  model_ = model;
  if (model.ports.empty()) {
    if (haproxy_.running()) counters_->follow(counters_->count(), std::nullopt, {});
    haproxy_.stop();
    shape_ = {};
    servers_.clear();
    unavailablePorts_.clear();
    retryAt_.reset();
    return {};
  }
  Shape shape = render(model);
  if (change(shape, placeAll(shape))) return shape.complaints;
  return loadWhatIsTaken(std::move(model), std::move(shape));
}

// The endpoints of these Services, or of all, are what they are now.
DataPlane::ServersBySection DataPlane::placeAnew(const std::set<std::string>* services) const {
  ServersBySection servers = servers_;
  for (const auto& [name, section] : shape_.sections) {
    const auto& shares = section.backend.shares;
    bool isTouched = !services || std::any_of(shares.begin(), shares.end(), [&](const Share& share) {
      return services->contains(fmt::format("{}/{}", share.target.nameSpace, share.target.service));
    });
    if (isTouched) servers[name] = place(section);
  }
  return servers;
}

void DataPlane::updateEndpoints(const std::set<std::string>& services) {
  if (shape_.sections.empty()) return;
  ServersBySection servers = placeAnew(&services);
  if (servers == servers_ || change(shape_, servers) || isLoading_) return;
  if (load(shape_, servers)) {
    postpone();
  } else {
    catchUp();
  }
}

// What changed while HAProxy was loaded: the one before has been told of it.
void DataPlane::catchUp() {
  ServersBySection servers = placeAnew(nullptr);
  if (servers == servers_ || change(shape_, servers)) return;
  if (load(shape_, servers)) postpone();
}

void DataPlane::restart() {
  if (model_.ports.empty()) return;
  // Only a port that is free again is worth a reload.
  bool isWaiting = haproxy_.running() && !unavailablePorts_.empty();
  if (isWaiting && std::none_of(unavailablePorts_.begin(), unavailablePorts_.end(),
                                [](const auto& port) { return isFree(port.first); })) {
    return postpone();
  }
  if (!haproxy_.running()) kLog.error("HAProxy is not there any more; starting it again");
  Shape shape = render(model_);
  loadWhatIsTaken(model_, std::move(shape));
}

}  // namespace wherry::ingress
