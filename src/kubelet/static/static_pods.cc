#include "kubelet/static/static_pods.h"

#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <system_error>

#include "base/directory_watch.h"
#include "base/guarded.h"
#include "base/log.h"
#include "client/own_writes.h"
#include "client/workqueue.h"
#include "kubelet/static/static_manifest.h"
#include "meta/time.h"
#include "views/core_v1.h"

namespace wherry::kubelet {

namespace {

using core_v1::Pod;
using meta::ObjectKey;
using meta::ObjectPtr;

constexpr size_t kMaxManifest = 1 << 20;  // larger than any Pod the API takes
constexpr int64_t kDefaultGrace = 30;
constexpr const char* kFiles = "";  // the files are to be read

const base::Log& kubeletLog() {
  static const base::Log log("kubelet");
  return log;
}

bool isMirror(const meta::Object& pod) { return !pod.metadata().annotation(kConfigMirror).empty(); }

int64_t graceOf(const meta::Object& pod) {
  return json::getInt(pod.tree(), "spec.terminationGracePeriodSeconds", kDefaultGrace);
}

ObjectPtr asEnding(const meta::Object& pod, base::WallTime now) {
  json::Value copy = pod.tree();
  json::Object& metadata = meta::mutableMetadata(copy);
  metadata["deletionTimestamp"] = meta::formatTime(now);
  metadata["deletionGracePeriodSeconds"] = graceOf(pod);
  return std::make_shared<const meta::Object>(std::move(copy));
}

// What became of it in an earlier life of the machine is not its end.
ObjectPtr withoutEnd(ObjectPtr pod) {
  const auto phase = json::getString(pod->tree(), "status.phase");
  if (phase != "Failed" && phase != "Succeeded") return pod;
  json::Value copy = pod->tree();
  copy.as_object().erase("status");
  return std::make_shared<const meta::Object>(std::move(copy));
}

}  // namespace

struct StaticPods::State {
  StaticPodsOptions options;
  base::Guarded<std::map<ObjectKey, StaticPod>> pods;
  // The last that each file said that could be understood; the worker's own, as the next two.
  std::map<std::string, StaticManifest> files;
  std::map<std::string, std::string> told;  // what is wrong with files, by path
  unsigned lookedInVain = 0;                // in a row, since a file was being written
  client::OwnWrites writes;
  client::Workqueue queue{"static-pods"};  // keys of mirrors, and kFiles
  std::optional<client::ReconcileLoop> loop;
  std::optional<base::DirectoryWatch> watch;

  explicit State(StaticPodsOptions given) : options(std::move(given)) {
    options.pods.addHandler({.onChange = [this](const ObjectPtr& before, const ObjectPtr& after) {
      for (const auto& pod : {before, after}) {
        if (pod && concerns(*pod)) queue.add(pod->key().text());
      }
    }});
  }

  // A mirror, or who has the name that one should have.
  bool concerns(const meta::Object& pod) const {
    return isMirror(pod) || pods.with([&](const auto& all) { return all.contains(pod.key()); });
  }

  // -- files -------------------------------------------------------------------------------------------------------

  void readFiles() {
    base::DirectoryFiles found;
    try {
      found = base::readDirectoryFiles(options.directory, kMaxManifest);
    } catch (const std::system_error& error) {
      return tell({{options.directory, error.what()}});  // and nothing changes
    }
    auto problems = found.unreadable;
    std::erase_if(files, [&](const auto& file) { return found.lacks(file.first); });
    for (const auto& [path, text] : found.texts) {
      try {
        if (!text.empty()) files[path] = readStaticManifest(text, path, options.nodeName);  // empty: to be written yet
      } catch (const std::invalid_argument& error) {
        problems.emplace(path, error.what());
      }
    }
    tell(std::move(problems));
    want();
    lookedInVain = found.beingWritten.empty() ? 0 : lookedInVain + 1;
    if (lookedInVain > 0) queue.addAfter(kFiles, client::retryDelay(lookedInVain - 1));
  }

  // Once of each.
  void tell(std::map<std::string, std::string> problems) {
    for (const auto& problem : problems) {
      if (!told.contains(problem.first) || told.at(problem.first) != problem.second) {
        kubeletLog().error("{} is no static pod: {}", problem.first, problem.second);
      }
    }
    told = std::move(problems);
  }

  // The first of two files that name the same pod.
  void want() {
    std::map<ObjectKey, StaticManifest> wanted;
    for (const auto& [path, manifest] : files) {
      if (!wanted.emplace(manifest.key, manifest).second) {
        kubeletLog().error("{} names the pod {} that another file has already", path, manifest.key.text());
      }
    }
    std::vector<std::string> changed;  // uids
    pods.with([&](auto& all) {
      for (auto& [key, pod] : all) {
        if (!wanted.contains(key)) setWanted(pod, std::nullopt, changed);
      }
      for (auto& [key, manifest] : wanted) setWanted(all[key], manifest, changed);
      for (const auto& [key, pod] : all) queue.add(key.text());
    });
    for (const auto& uid : changed) options.enqueue(uid);
  }

  static void setWanted(StaticPod& pod, std::optional<StaticManifest> wanted, std::vector<std::string>& changed) {
    pod.wanted = std::move(wanted);
    if (!pod.running) pod.running = pod.wanted;
    if (pod.running) changed.push_back(pod.running->uid);
  }

  // -- mirrors -----------------------------------------------------------------------------------------------------

  void reconcile(const std::string& text) {
    if (text == kFiles) return readFiles();
    const auto key = ObjectKey::parse(text);
    if (!writes.visible(text, options.pods)) return;
    const ObjectPtr found = options.pods.get(key);
    const ObjectPtr mirror = found && isMirror(*found) ? found : nullptr;
    const StaticPod pod = pods.with([&](auto& all) {
      const auto at = all.find(key);
      return at == all.end() ? StaticPod() : at->second;
    });
    switch (decideMirror(pod, mirror.get())) {
      case MirrorAction::kNone:
        if (pod.running) options.enqueue(pod.running->uid);
        break;
      case MirrorAction::kCreate:
        create(key, *pod.running);
        break;
      case MirrorAction::kDelete:
        remove(*mirror, 0);
        break;
      case MirrorAction::kEnd:
        remove(*mirror, graceOf(*mirror));
        break;
    }
  }

  // A pod of somebody else's that has the name is in the way until it goes.
  void create(const ObjectKey& key, const StaticManifest& manifest) {
    const auto node = options.client.get(core_v1::Node::kResource(), {}, options.nodeName);
    const auto made = options.client.create(Pod::kResource(), key.ns, mirrorPod(manifest, *node, options.clock.now()));
    writes.wrote(key.text(), *made);
    pods.with([&](auto& all) {
      const auto at = all.find(key);
      const auto* spec = json::find(made->tree(), "spec");
      if (at != all.end() && at->second.running && at->second.running->uid == manifest.uid && spec) {
        at->second.made = *spec;
      }
    });
  }

  void remove(const meta::Object& mirror, int64_t grace) {
    const auto metadata = mirror.metadata();
    try {
      options.client.remove(Pod::kResource(), metadata.ns(), metadata.name(),
                            {.gracePeriodSeconds = grace, .uid = std::string(metadata.uid())});
    } catch (const meta::StatusError& error) {
      if (!error.isNotFound() && !error.isConflict()) throw;
    }
    writes.removed(mirror.key().text(), mirror);
  }

  // ----------------------------------------------------------------------------------------------------------------

  // A copy of the pod that has this uid; nothing when none has.
  std::optional<StaticPod> find(std::string_view uid) const {
    return pods.with([&](const auto& all) -> std::optional<StaticPod> {
      for (const auto& [key, pod] : all) {
        if (pod.running && pod.running->uid == uid) return pod;
      }
      return std::nullopt;
    });
  }

  ObjectPtr mirrorOf(const StaticPod& pod) const {
    auto found = options.pods.get(pod.running->key);
    return found && isMirrorOf(pod, *found) ? found : nullptr;
  }

  // The next one may begin.
  void ended(const std::string& uid) {
    pods.with([&](auto& all) {
      for (auto at = all.begin(); at != all.end(); ++at) {
        StaticPod& pod = at->second;
        if (!pod.running || pod.running->uid != uid) continue;
        queue.add(at->first.text());
        pod.made.reset();
        pod.running = pod.wanted;
        if (!pod.running) all.erase(at);
        break;
      }
    });
    options.enqueue(uid);  // what is remembered of it goes
  }
};

StaticPods::StaticPods(StaticPodsOptions options) : state_(std::make_unique<State>(std::move(options))) {}

StaticPods::~StaticPods() { stop(); }

void StaticPods::stop() {
  state_->watch.reset();
  state_->loop.reset();
}

void StaticPods::start() {
  State& state = *state_;
  if (!state.options.directory.empty()) {
    state.readFiles();  // before anybody asks what is owned
    state.watch.emplace(state.options.directory, [&state] { state.queue.add(kFiles); });
  }
  // Mirrors of an earlier life whose files are gone.
  for (const auto& pod : state.options.pods.list({})) {
    if (isMirror(*pod)) state.queue.add(pod->key().text());
  }
  state.loop.emplace(state.queue, [&state](const std::string& key) { state.reconcile(key); });
}

std::string StaticPods::uidOf(const meta::Object& pod) const {
  if (!isMirror(pod)) return std::string(pod.metadata().uid());
  return state_->pods.with([&](const auto& all) {
    const auto at = all.find(pod.key());
    const bool ours =
        at != all.end() && at->second.running && at->second.running->uid == pod.metadata().annotation(kConfigMirror);
    return ours ? at->second.running->uid : std::string();
  });
}

bool StaticPods::owns(std::string_view uid) const { return state_->find(uid).has_value(); }

ObjectPtr StaticPods::newest(std::string_view uid, const ObjectPtr& known) const {
  const auto pod = state_->find(uid);
  if (!pod) return nullptr;
  const auto mirror = state_->mirrorOf(*pod);
  const bool newer = mirror && (!known || mirror->revision() > known->revision());
  ObjectPtr latest = newer ? podShownBy(*mirror, uid) : known;
  if (newer && !known) latest = withoutEnd(std::move(latest));
  const bool ends = latest && pod->ends() && !latest->metadata().deleting();
  return ends ? asEnding(*latest, state_->options.clock.now()) : latest;
}

std::string StaticPods::mirrorUidOf(std::string_view uid) const {
  const auto pod = state_->find(uid);
  const auto mirror = pod ? state_->mirrorOf(*pod) : nullptr;
  return mirror ? std::string(mirror->metadata().uid()) : std::string();
}

void StaticPods::ended(const std::string& uid) { state_->ended(uid); }

}  // namespace wherry::kubelet
