#include "apiserver/housekeeping.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "base/log.h"
#include "meta/status.h"

namespace wherry::apiserver {
namespace {

const base::Log& log() {
  static const base::Log kLog("apiserver");
  return kLog;
}

// One resource that is followed, and what is done about a change of it. A watch that ends is begun again.
class Followed {
 public:
  Followed(client::Client& client, meta::Resource resource, std::string ns, client::ListOptions options,
           std::function<bool()> react)
      : client_(client),
        resource_(std::move(resource)),
        ns_(std::move(ns)),
        options_(std::move(options)),
        react_(std::move(react)) {}

  // Takes in what happened; reacts once to all of it, and again to what could not be done the last time.
  void advance(const std::function<void()>& wake) {
    bool changed = failed_;
    try {
      if (!watch_) {
        watch_ = client_.watch(resource_, ns_, options_);
        watch_->onReady(wake);
        changed = true;
      }
      while (watch_->tryNext()) changed = true;
    } catch (const meta::StatusError& error) {
      log().debug("watching {}: {}", resource_.resource, error.message());
      watch_.reset();
      wake();
      return;
    }
    if (changed) failed_ = !react_();
  }

  bool failed() const { return failed_; }

 private:
  client::Client& client_;
  meta::Resource resource_;
  std::string ns_;
  client::ListOptions options_;
  std::function<bool()> react_;  // false: to be tried again
  std::unique_ptr<client::Watch> watch_;
  bool failed_ = false;
};

// A Service that is made again at once may find its address still on the way back: the first retry comes soon.
constexpr std::chrono::milliseconds kFirstRetry{20};
constexpr std::chrono::milliseconds kLastRetry{60'000};

}  // namespace

struct Housekeeping::State {
  explicit State(Options o) : options(std::move(o)) {}

  void follow();
  std::unique_ptr<Followed> followKinds(const meta::Resource& resource);
  void run(const std::stop_token& stop);
  void refreshKinds();
  void advance(const std::function<void()>& wake);

  Options options;
  std::vector<std::unique_ptr<Followed>> followed;
  std::map<meta::Resource, std::unique_ptr<Followed>> leaving;  // of definitions that wait for their objects to go
  std::mutex mutex;
  std::condition_variable_any woken;
  bool awake = true;
  bool kindsDue = false;  // of the thread's own
  std::jthread thread;
};

void ensureObject(client::Client& client, const BootstrapObject& wanted) {
  try {
    auto stored = client.get(wanted.resource, wanted.ns, wanted.name());
    if (auto corrected = correctedObject(stored->tree(), wanted)) client.update(wanted.resource, wanted.ns, *corrected);
  } catch (const meta::StatusError& error) {
    if (!error.isNotFound()) throw;
    client.create(wanted.resource, wanted.ns, wanted.object);
  }
}

void Housekeeping::State::refreshKinds() {
  options.publish(options.customKinds.load());
  auto left = options.customKinds.settle(options.now());
  for (const auto& resource : left) {
    if (!leaving.contains(resource)) leaving.emplace(resource, followKinds(resource));
  }
  std::erase_if(leaving,
                [&](const auto& each) { return std::find(left.begin(), left.end(), each.first) == left.end(); });
}

std::unique_ptr<Followed> Housekeeping::State::followKinds(const meta::Resource& resource) {
  return std::make_unique<Followed>(options.client, resource, "", client::ListOptions{}, [this] {
    kindsDue = true;
    return true;
  });
}

void Housekeeping::State::follow() {
  for (auto& wanted : kubernetesServiceObjects(options.advertised)) {
    client::ListOptions one{"", "metadata.name=" + wanted.name(), ""};
    followed.push_back(std::make_unique<Followed>(options.client, wanted.resource, wanted.ns, one, [this, wanted] {
      try {
        ensureObject(options.client, wanted);
        return true;
      } catch (const meta::StatusError& error) {
        log().info("{} {}: {}; trying again", wanted.resource.resource, wanted.name(), error.message());
        return false;
      }
    }));
  }
  meta::Resource definitions{"apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition",
                             meta::Scope::kCluster};
  followed.push_back(followKinds(definitions));
}

void Housekeeping::State::advance(const std::function<void()>& wake) {
  for (auto& each : followed) each->advance(wake);
  for (auto& each : leaving) each.second->advance(wake);
  if (!std::exchange(kindsDue, false)) return;
  try {
    refreshKinds();
  } catch (const std::exception& error) {
    log().warn("custom resource definitions: {}", error.what());
  }
  for (auto& each : leaving) each.second->advance(wake);  // begins to watch those that are new
  if (kindsDue) wake();
}

void Housekeeping::State::run(const std::stop_token& stop) {
  auto wake = [this] {
    {
      std::lock_guard lock(mutex);
      awake = true;
    }
    woken.notify_one();
  };
  std::chrono::milliseconds retry{0};
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex);
      auto due = [this] { return awake; };
      if (retry.count() == 0)
        woken.wait(lock, stop, due);
      else
        woken.wait_for(lock, stop, retry, due);
      if (stop.stop_requested()) return;
      awake = false;
    }
    advance(wake);
    bool failed = std::any_of(followed.begin(), followed.end(), [](const auto& each) { return each->failed(); });
    retry = failed ? std::clamp(2 * retry, kFirstRetry, kLastRetry) : std::chrono::milliseconds(0);
  }
}

Housekeeping::Housekeeping(Options options) : state_(std::make_unique<State>(std::move(options))) {
  state_->follow();
  state_->thread = std::jthread([state = state_.get()](const std::stop_token& stop) { state->run(stop); });
}

Housekeeping::~Housekeeping() {
  state_->thread.request_stop();
  state_->thread.join();
}

}  // namespace wherry::apiserver
