#include "ingress/data_plane.h"

#include <algorithm>
#include <charconv>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/log.h"
#include "ingress/client_ip.h"
#include "ingress/config_text.h"
#include "ingress/port_origins.h"

namespace wherry::ingress {
namespace {

const base::Log kLog("ingress");

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kFirstRetry{500};
constexpr std::chrono::milliseconds kLastRetry{30000};
constexpr std::chrono::seconds kSteady{10};  // one that ends sooner than this after its start is given time
constexpr int kMostWithdrawals = 32;

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
  for (const Origin& origin : originsOf(port)) {
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

// An address of the settings, as HAProxy binds it.
bool isFree(const std::string& address, uint16_t port) {
  sockaddr_storage storage{};
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  socklen_t size = sizeof *v4;
  v4->sin_family = AF_INET;
  v4->sin_port = htons(port);
  if (::inet_pton(AF_INET, address.c_str(), &v4->sin_addr) != 1) {
    v6->sin6_family = AF_INET6;
    if (::inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) != 1) return true;
    size = sizeof *v6;
  }
  base::Fd fd(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  int yes = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);  // connections that linger don't count
  if (storage.ss_family == AF_INET6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
  return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) == 0;
}

bool isFree(const Settings& settings, uint16_t port) {
  return std::ranges::all_of(settings.addresses, [&](const std::string& address) { return isFree(address, port); });
}

void append(std::vector<Complaint>& to, const std::vector<Complaint>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

constexpr const char* kPodMap = "pods.map";

// One that would be none without it: HAProxy can't be started as it has to be then, or can't do it.
bool isAboutClientIp(const Refusal& refusal) {
  return refusal.line == 0 || refusal.words.find("usesrc") != std::string::npos;
}

}  // namespace

DataPlane::DataPlane(const Settings& settings, Hooks hooks)
    : settings_(settings),
      hooks_(std::move(hooks)),
      haproxy_(settings, {hooks_.onEnd, hooks_.onFormerEnd}, hooks_.accessLog),
      servers_(hooks_.endpointsOf) {}

Shape DataPlane::render(const Model& model) {
  if (defaultCertificate_.empty()) defaultCertificate_ = hooks_.makeCertificate();
  return renderShape(model, settings_, defaultCertificate_);
}

// Sections have keys of their own in the map of pods.
void DataPlane::tell(const Shape& shape, const ServersBySection& changes) const {
  std::vector<std::string> commands, ofPods;
  const std::string podMap = fmt::format("{}/{}", settings_.directory, kPodMap);
  for (const auto& [name, places] : changes) {
    const Servers& before = servers_.all().at(name);
    auto own = serverCommands(name, before, places);
    commands.insert(commands.end(), own.begin(), own.end());
    if (shape.sections.at(name).backend.podRouting == PodRouting::kNone) continue;
    own = mapCommands(podMap, podKeys(name, before), podKeys(name, places));
    ofPods.insert(ofPods.end(), own.begin(), own.end());
  }
  commands.insert(commands.end(), ofPods.begin(), ofPods.end());
  admin().run(commands);
}

// By commands. False when that can't be, or failed.
bool DataPlane::move(ServersBySection changes) {
  if (!haproxy_.running() || !servers_.haveRoomFor(changes)) return false;
  try {
    tell(shape_, changes);
  } catch (const std::exception& error) {
    kLog.warn("HAProxy refuses a change: {}; loading it anew", error.what());
    return false;
  }
  servers_.update(std::move(changes));
  return true;
}

// Likewise.
bool DataPlane::change(const Shape& shape, ServersBySection servers) {
  if (!haproxy_.running() || !shape_.isLike(shape) || !move(servers_.differing(servers))) return false;
  try {
    for (const auto& [name, pem] : shape.certificates) {
      if (shape_.certificates.at(name) != pem) haproxy_.replaceCertificate(name, pem);
    }
  } catch (const std::exception& error) {
    kLog.warn("HAProxy refuses a certificate: {}; loading it anew", error.what());
    return false;
  }
  shape_ = shape;
  servers_.set(shape_.sections, std::move(servers));
  return true;
}

std::optional<Refusal> DataPlane::load(const Shape& shape, ServersBySection servers) {
  Shape whole = shape;
  if (auto map = whole.files.find(kPodMap); map != whole.files.end()) {
    for (const auto& [name, section] : shape.sections) {
      if (section.backend.podRouting == PodRouting::kNone) continue;
      for (const auto& [key, place] : podKeys(name, servers[name])) map->second += fmt::format("{} {}\n", key, place);
    }
  }
  RouteCounters::Totals counted = counters_->count();
  isLoading_ = true;
  try {
    openReturnPath(shape);
    auto refusal = haproxy_.load(whole, withServers(shape, servers, settings_), hooks_.meanwhile, hooks_.wake);
    isLoading_ = false;
    if (refusal) return refusal;
  } catch (const std::exception& error) {  // the directory can't be written; there is no such program
    isLoading_ = false;
    return Refusal{.words = error.what()};
  }
  shape_ = shape;
  servers_.set(shape_.sections, std::move(servers));
  counters_->follow(std::move(counted), admin(), shape_.routes);
  return std::nullopt;
}

// What it refuses is taken out until it takes the rest.
void DataPlane::loadWhatIsTaken(Model model, Shape shape, std::vector<Complaint>& complaints) {
  std::string words;
  for (int tries = 0; tries < kMostWithdrawals; ++tries) {
    ServersBySection servers = servers_.placeAll(shape.sections);
    auto refusal = load(shape, servers);
    if (!refusal) {
      succeed();
      return catchUp();
    }
    words = refusal->words;
    if (!takeOut(model, shape, servers, *refusal, complaints)) break;
    kLog.warn("HAProxy refuses a part of the configuration: {}", words);
    if (model.ports.empty()) return stop();
    shape = render(model);
    if (change(shape, servers_.placeAll(shape.sections))) return succeed();  // what is left is in force already
  }
  fail(model, words, complaints);
}

// What a refusal is about. False when that is nothing that could be left out.
bool DataPlane::takeOut(Model& model, const Shape& shape, const ServersBySection& servers, const Refusal& refusal,
                        std::vector<Complaint>& complaints) {
  uint16_t port = portThatIsTaken(refusal.words);
  if (auto taken = model.ports.find(port); taken != model.ports.end()) {
    complainOfPort(taken->second, "PortUnavailable", refusal.words, complaints);
    unavailablePorts_[port] = refusal.words;
    model.ports.erase(taken);
    return true;
  }
  if (shape.preservesClientIp && isAboutClientIp(refusal)) {
    append(complaints, stopPreservingClientIp(model, refusal.words));
    return true;
  }
  Origin culprit = originOf(withServers(shape, servers, settings_), refusal.line);
  if (!withdrawals_.add(model, model_, culprit, refusal.words)) return false;
  bool isKnown = std::ranges::any_of(complaints, [&](const Complaint& each) { return each.about == culprit; });
  if (!isKnown) complaints.push_back({culprit, "RefusedByHAProxy", refusal.words});
  return true;
}

bool DataPlane::isSteady() const { return Clock::now() >= revivedAt_ + kSteady; }

void DataPlane::succeed() {
  trouble_.clear();
  retryAt_.reset();
  if (isSteady()) retryDelay_ = {};
  if (!unavailablePorts_.empty()) postpone();
}

void DataPlane::fail(const Model& model, const std::string& words, std::vector<Complaint>& complaints) {
  kLog.error("HAProxy doesn't serve what it should, and is tried again: {}", words);
  for (const auto& [number, each] : model.ports) complainOfPort(each, "HAProxyUnavailable", words, complaints);
  trouble_ = words;
  postpone();
}

// Before the first connection needs it.
void DataPlane::openReturnPath(const Shape& shape) {
  if (!shape.preservesClientIp) return;
  if (!hooks_.returnPath.open) throw std::runtime_error("this node leads no answers back");
  mayBeOpen_ = true;
  hooks_.returnPath.open();
}

// After the last one.
void DataPlane::settle() {
  if (!mayBeOpen_ || !hooks_.returnPath.close || haproxy_.preservesClientIp()) return;
  try {
    hooks_.returnPath.close();
    mayBeOpen_ = false;
  } catch (const std::exception& error) {
    kLog.error("the way back for connections under clients' addresses stays: {}", error.what());
  }
}

void DataPlane::postpone() {
  retryDelay_ = std::clamp(retryDelay_ * 2, kFirstRetry, kLastRetry);
  retryAt_ = Clock::now() + retryDelay_;
}

// There is nothing that could be served.
void DataPlane::stop() {
  if (haproxy_.running()) counters_->follow(counters_->count(), std::nullopt, {});
  haproxy_.stop();
  shape_ = {};
  servers_.clear();
  succeed();
}

// Those that were taken before and still are: HAProxy needn't find it out again.
void DataPlane::leaveOutTakenPorts(Model& model, std::vector<Complaint>& complaints) {
  std::erase_if(unavailablePorts_, [&](const auto& each) {
    auto wanted = model.ports.find(each.first);
    if (wanted == model.ports.end() || isFree(settings_, each.first)) return true;
    complainOfPort(wanted->second, "PortUnavailable", each.second, complaints);
    model.ports.erase(wanted);
    return false;
  });
}

std::vector<Complaint> DataPlane::setModel(Model model) {
  model_ = std::move(model);
  return serve();
}

std::vector<Complaint> DataPlane::serve() {
  putInForce();
  settle();
  return complaints_;
}

void DataPlane::putInForce() {
  Model model = model_;
  complaints_ = withdrawals_.apply(model);
  leaveOutTakenPorts(model, complaints_);
  if (model.ports.empty()) return stop();
  Shape shape = render(model);
  append(complaints_, shape.complaints);
  if (change(shape, servers_.placeAll(shape.sections))) {
    succeed();
  } else {
    loadWhatIsTaken(std::move(model), std::move(shape), complaints_);
  }
}

void DataPlane::updateEndpoints(const std::set<std::string>& services) {
  if (shape_.sections.empty()) return;
  ServersBySection changes = servers_.placeChanged(shape_.sections, services);
  if (changes.empty() || move(changes) || isLoading_) return;
  ServersBySection servers = servers_.all();
  for (auto& [name, places] : changes) servers[name] = std::move(places);
  if (load(shape_, std::move(servers))) {
    postpone();
  } else {
    catchUp();
  }
}

// What changed while HAProxy was loaded: the one before has been told of it.
void DataPlane::catchUp() {
  ServersBySection servers = servers_.placeAll(shape_.sections);
  ServersBySection changes = servers_.differing(servers);
  if (changes.empty() || move(std::move(changes))) return;
  if (load(shape_, std::move(servers))) postpone();
}

// Whether one that has ended is to be started again now. One that does so over and over has to wait longer each time.
bool DataPlane::revive() {
  const bool isDue = retryAt_ && Clock::now() >= *retryAt_;
  if (isSteady()) retryDelay_ = {};
  if (!isSteady() && !isDue) {
    if (trouble_.empty()) {
      complaints_.clear();
      fail(model_, "it ends soon after it is started", complaints_);
    }
    return false;
  }
  kLog.error("HAProxy is not there any more; starting it again");
  withdrawals_.forget();
  revivedAt_ = Clock::now();
  return true;
}

std::vector<Complaint> DataPlane::restart() {
  if (model_.ports.empty()) return {};
  // Only a port that is free again is worth a look at all the rest.
  bool isWaiting = trouble_.empty() && !unavailablePorts_.empty() && haproxy_.running();
  if (isWaiting &&
      std::ranges::none_of(unavailablePorts_, [&](const auto& port) { return isFree(settings_, port.first); })) {
    postpone();
    return complaints_;
  }
  if (!haproxy_.running() && !shape_.text.empty() && !revive()) return complaints_;
  return serve();
}

}  // namespace wherry::ingress
