#include "kubelet/csi/csi_drivers.h"

#include <filesystem>
#include <thread>

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/guarded.h"
#include "base/log.h"
#include "client/workqueue.h"
#include "kubelet/csi/csi_client.h"
#include "linux/mounts.h"
#include "net/event_loop.h"
#include "views/core_v1.h"
#include "views/storage_v1.h"

namespace wherry::kubelet {

namespace fs = std::filesystem;
using core_v1::Node;
using storage_v1::CSINode;

namespace {

// The queue's keys are files of the registry, and this for what the API shows.
constexpr const char* kShow = "";
// One that hangs holds up the others.
constexpr std::chrono::seconds kAtOnce{5};
constexpr uint32_t kChanges = IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM;

// Adds the names of files that come and go.
class Registry : public net::EventLoop::Source {
 public:
  Registry(const std::string& directory, client::Workqueue& queue)
      : inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)), queue_(queue) {
    if (!inotify) base::throwErrno("inotify_init1");
    if (::inotify_add_watch(inotify.get(), directory.c_str(), kChanges) < 0) base::throwErrno("watch " + directory);
  }

  void onReady(uint32_t) override {
    alignas(inotify_event) char buffer[8192];
    ssize_t count = ::read(inotify.get(), buffer, sizeof buffer);
    for (char* at = buffer; at < buffer + count;) {
      auto* event = reinterpret_cast<inotify_event*>(at);
      if (event->len > 0) queue_.add(event->name);
      at += sizeof(inotify_event) + event->len;
    }
  }

  const base::Fd inotify;

 private:
  client::Workqueue& queue_;
};

// Which socket it is, {} for none. A driver that starts again makes another one, which may well have the number of the
// former: the time of its making tells them apart.
struct SocketFile {
  ino_t number = 0;
  int64_t changed = 0;  // nanoseconds
  bool operator==(const SocketFile&) const = default;
};

SocketFile socketAt(const std::string& path) {
  struct stat status {};
  bool socket = ::stat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
  if (!socket) return {};
  return {status.st_ino, int64_t{status.st_ctim.tv_sec} * 1'000'000'000 + status.st_ctim.tv_nsec};
}

}  // namespace

struct CsiDrivers::State {
  client::Client& client;
  const std::string node;
  const CsiPaths paths;
  const base::Log log{"csi"};
  base::Guarded<CsiDriverMap> drivers{};
  struct Registered {
    SocketFile socket;
    std::string driver;
  };
  std::map<std::string, Registered> files{};  // by the registry's; the worker's own
  std::function<void(const std::string&)> onDriver{};
  client::Workqueue queue{"csi-drivers"};
  net::EventLoop loop{};
  std::optional<client::ReconcileLoop> worker{};
  std::jthread thread{};

  void reconcile(const std::string& file) {
    if (file == kShow) return show();
    const std::string path = paths.registry() + "/" + file;
    const SocketFile socket = socketAt(path);
    auto known = files.find(file);
    if (known != files.end() && known->second.socket == socket) return;
    if (known != files.end()) forget(known->second.driver);
    if (known != files.end()) files.erase(known);
    if (socket == SocketFile{}) return show();
    meet(file, path, socket);
  }

  void forget(const std::string& driver) {
    drivers.with([&](CsiDriverMap& all) { all.erase(driver); });
    log.info("storage driver {} has gone", driver);
  }

  // Throws what the driver answers; it is asked again later then.
  void meet(const std::string& file, const std::string& path, const SocketFile& socket) {
    CsiClient registration(path, {}, kAtOnce);
    const PluginInfo plugin = registration.pluginInfo();
    std::string error = registrationError(plugin);
    try {
      if (error.empty()) take(plugin);
    } catch (const std::exception& failure) {
      error = failure.what();
    }
    registration.notifyRegistration(error);
    if (!error.empty()) return log.warn("plugin {} is not registered: {}", plugin.name, error);
    files[file] = {socket, plugin.name};
    log.info("storage driver {} is registered", plugin.name);
    onDriver(plugin.name);
  }

  void take(const PluginInfo& plugin) {
    const CsiClient driverClient(plugin.endpoint, {}, kAtOnce);
    CsiDriver driver{plugin.endpoint, driverClient.nodeInfo(), driverClient.abilities()};
    if (driver.info.nodeId.empty()) throw std::runtime_error("the driver has no ID for this node");
    drivers.with([&](CsiDriverMap& all) { all[plugin.name] = std::move(driver); });
    show();
  }

  void show() {
    const CsiDriverMap all = drivers.copy();
    const auto object = find(Node::kResource());
    if (!object) return;  // it is registered first, and then shows them
    if (const auto live = find(CSINode::kResource())) {
      const json::Array wanted = renderDrivers(all);
      const json::Value* now = json::find(live->tree(), "spec.drivers");
      if (!now || !json::equal(*now, wanted)) {
        client.patch(CSINode::kResource(), "", node, client::PatchType::kMerge,
                     json::Object{{"spec", json::Object{{"drivers", wanted}}}});
      }
    } else {
      client.create(CSINode::kResource(), "", renderCsiNode(*object, all));
    }
    const json::Object patch = nodePatch(*object, all);
    if (!patch.empty()) client.patch(Node::kResource(), "", node, client::PatchType::kMerge, patch);
  }

  meta::ObjectPtr find(const meta::Resource& resource) const {
    try {
      return client.get(resource, "", node);
    } catch (const meta::StatusError& error) {
      if (!error.isNotFound()) throw;
      return nullptr;
    }
  }
};

CsiDrivers::CsiDrivers(client::Client& client, std::string node, CsiPaths paths)
    : state_(new State{.client = client, .node = std::move(node), .paths = std::move(paths)}) {}

CsiDrivers::~CsiDrivers() { stop(); }

void CsiDrivers::start(std::function<void(const std::string&)> onDriver) {
  State& state = *state_;
  state.onDriver = std::move(onDriver);
  for (const char* part : {"/plugins", "/plugins_registry", "/pods"}) base::makeDirectories(state.paths.root + part);
  linux::makeShared(state.paths.root);  // for drivers that run in pods
  auto registry = std::make_shared<Registry>(state.paths.registry(), state.queue);
  for (const auto& entry : fs::directory_iterator(state.paths.registry())) {
    state.queue.add(entry.path().filename().string());
  }
  state.queue.add(kShow);  // after them: of drivers that have gone meanwhile the API still tells
  state.worker.emplace(
      state.queue, [&state](const std::string& file) { state.reconcile(file); }, 1u);
  int fd = registry->inotify.get();
  state.loop.add(fd, EPOLLIN, std::move(registry));
  state.thread = std::jthread([&state] { state.loop.run(); });
}

void CsiDrivers::stop() {
  state_->worker.reset();
  state_->loop.stop();
  state_->thread = {};
}

void CsiDrivers::showAgain() { state_->queue.add(kShow); }

std::optional<CsiDriver> CsiDrivers::find(std::string_view name) const {
  return state_->drivers.with([&](const CsiDriverMap& all) {
    auto found = all.find(name);
    return found == all.end() ? std::nullopt : std::optional(found->second);
  });
}

}  // namespace wherry::kubelet
