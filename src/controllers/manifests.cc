#include "controllers/manifests.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <stdexcept>

#include <fmt/format.h>

#include "base/directory_watch.h"
#include "base/encoding.h"
#include "base/log.h"
#include "client/workqueue.h"
#include "controllers/object_feed.h"
#include "json/yaml.h"
#include "views/core_v1.h"

namespace wherry::controllers {

namespace {

using client::Severity;
using core_v1::ConfigMap;
using meta::ObjectPtr;

constexpr size_t kMaxManifest = 16 << 20;  // bundles of definitions are large
constexpr std::chrono::milliseconds kMaxRetryDelay = std::chrono::minutes(5);
constexpr std::string_view kRecordNamespace = "kube-system";
constexpr std::string_view kRecordField = "objects";
constexpr const char* kOnlyKey = "manifests";

const base::Log& manifestLog() {
  static const base::Log log("manifests");
  return log;
}

class ManifestController : public Controller {
 public:
  ManifestController(ControllerContext& context, std::string directory)
      : client_(context.client),
        directory_(std::move(directory)),
        feed_(sharedFeed(context)),
        events_(context.events.forComponent("manifests-controller")) {}
  ~ManifestController() override {
    watch_.reset();
    loop_.reset();
    feed_->stop();
  }

  void start() override {
    feed_->start();
    loop_.emplace(queue_, [this](const std::string&) { reconcile(); });
    watch_.emplace(directory_, [this] { queue_.add(kOnlyKey); });
  }

 private:
  struct File {
    std::string hash;
    std::vector<ManifestObject> objects;
    bool readable = false;
  };

  void reconcile() {
    problems_.clear();
    again_ = false;
    readFiles();
    std::vector<ManifestObject> all;
    for (const auto& [path, file] : files_) all.insert(all.end(), file.objects.begin(), file.objects.end());
    const auto wanted = orderManifests(std::move(all), problems_);
    ManifestRecord record = readRecord();
    const auto unreadable = unreadableFiles(record);
    const ManifestRecord before = record;
    const auto due = plan(wanted, record);
    if (record != before) writeRecord(record);
    const ManifestRecord planned = record;
    for (const auto* object : due) apply(*object, record);
    for (const auto& key : decidePrune(record, wanted, unreadable)) prune(key, record);
    if (record != planned) writeRecord(record);
    tell();
  }

  // -- files -------------------------------------------------------------------------------------------------------

  void readFiles() {
    const auto found = base::readDirectoryFiles(directory_, kMaxManifest);
    std::erase_if(files_, [&](const auto& file) { return found.lacks(file.first); });
    for (const auto& path : found.beingWritten) {
      if (!isManifest(path)) continue;
      files_[path].readable = false;
      again_ = true;
    }
    for (const auto& [path, why] : found.unreadable) {
      if (!isManifest(path)) continue;
      problems_.push_back(fmt::format("{}: {}", path, why));
      files_[path].readable = false;
    }
    for (const auto& [path, text] : found.texts) {
      if (isManifest(path)) readFile(path, text);
    }
  }

  static bool isManifest(std::string_view path) {
    return path.ends_with(".yaml") || path.ends_with(".yml") || path.ends_with(".json");
  }

  // Also those that the directory did not show though they are there: they were replaced meanwhile.
  std::set<std::string> unreadableFiles(const ManifestRecord& record) const {
    std::set<std::string> unreadable;
    for (const auto& [path, file] : files_) {
      if (!file.readable) unreadable.insert(path);
    }
    std::error_code none;
    for (const auto& [key, entry] : record) {
      if (!files_.contains(entry.file) && std::filesystem::exists(entry.file, none)) unreadable.insert(entry.file);
    }
    return unreadable;
  }

  void readFile(const std::string& path, const std::string& text) {
    File& file = files_[path];
    if (text.empty()) {  // it is being written
      file.readable = false;
      return;
    }
    auto hash = base::sha256(text);
    if (file.readable && file.hash == hash) return;
    failures_ = 0;
    try {
      file.objects = readManifest(path, text);
      file.hash = std::move(hash);
      file.readable = true;
    } catch (const std::exception& error) {  // json::ParseError, std::invalid_argument
      problems_.push_back(fmt::format("{}: {}", path, error.what()));
      file.readable = false;
    }
  }

  // -- the record --------------------------------------------------------------------------------------------------

  ManifestRecord readRecord() {
    try {
      shown_ = client_.get(ConfigMap::kResource(), kRecordNamespace, kManifestManager);
    } catch (const meta::StatusError& error) {
      if (!error.isNotFound()) throw;
      shown_ = nullptr;
    }
    const auto* data = shown_ ? json::find(shown_->tree(), "data") : nullptr;
    return data ? parseRecord(json::getString(*data, kRecordField)) : ManifestRecord();
  }

  void writeRecord(const ManifestRecord& record) {
    const json::Value map =
        json::Object{{"apiVersion", "v1"},
                     {"kind", "ConfigMap"},
                     {"metadata", json::Object{{"name", kManifestManager}, {"namespace", kRecordNamespace}}},
                     {"data", json::Object{{kRecordField, renderRecord(record)}}}};
    shown_ = client_.patch(ConfigMap::kResource(), kRecordNamespace, kManifestManager, client::PatchType::kApply, map,
                           {.fieldManager = std::string(kManifestManager), .force = true});
  }

  // -- objects -----------------------------------------------------------------------------------------------------

  // Which objects are to be applied: those that are not as they were applied last. New ones go into the record.
  std::vector<const ManifestObject*> plan(const std::vector<ManifestObject>& wanted, ManifestRecord& record) {
    std::vector<const ManifestObject*> due;
    for (const auto& object : wanted) {
      const std::string apiVersion(json::getString(object.object, "apiVersion"));
      if (auto at = record.find(object.key); at != record.end()) {
        at->second.file = object.file;
        at->second.apiVersion = apiVersion;
      } else if (const auto there = isThere(object)) {
        record[object.key] = {object.file, apiVersion, "", !*there};
      } else {
        continue;
      }
      if (applied_[object.key] != hashOf(object)) due.push_back(&object);
    }
    std::erase_if(applied_, [&](const auto& entry) { return !record.contains(entry.first); });
    return due;
  }

  static std::string hashOf(const ManifestObject& object) { return base::sha256(json::serialize(object.object)); }

  // Nothing when its kind is not known.
  std::optional<bool> isThere(const ManifestObject& object) {
    const auto resource = resourceOf(json::getString(object.object, "apiVersion"), object.key);
    if (!resource) return std::nullopt;
    try {
      client_.get(*resource, namespaceOf(*resource, object.key), object.key.name);
      return true;
    } catch (const meta::StatusError& error) {
      if (error.isNotFound()) return false;
      refused(fmt::format("{}: {}: {}", object.file, object.key.text(), error.message()));
      return std::nullopt;
    }
  }

  std::optional<meta::Resource> resourceOf(std::string_view apiVersion, const ManifestKey& key) {
    const auto version = meta::GroupVersion::parse(apiVersion);
    const auto kind = feed_->registry()->findKind({version.group, version.version, key.kind});
    if (kind) return kind->resource;
    refused(fmt::format("no matches for kind \"{}\" in version \"{}\"", key.kind, apiVersion));
    return std::nullopt;
  }

  static std::string namespaceOf(const meta::Resource& resource, const ManifestKey& key) {
    if (resource.scope == meta::Scope::kCluster) return "";
    return key.ns.empty() ? "default" : key.ns;
  }

  void apply(const ManifestObject& object, ManifestRecord& record) {
    ManifestEntry& entry = record.at(object.key);
    const auto resource = resourceOf(entry.apiVersion, object.key);
    if (!resource) return;
    try {
      const auto answer =
          client_.patch(*resource, namespaceOf(*resource, object.key), object.key.name, client::PatchType::kApply,
                        object.object, {.fieldManager = std::string(kManifestManager), .force = true});
      entry = appliedEntry(std::move(entry), answer->tree());
      applied_[object.key] = hashOf(object);
      manifestLog().info("{} is applied, from {}", object.key.text(), object.file);
    } catch (const meta::StatusError& error) {
      refused(fmt::format("{}: {}: {}", object.file, object.key.text(), error.message()));
    }
  }

  void prune(const ManifestKey& key, ManifestRecord& record) {
    const ManifestEntry entry = record.at(key);
    if (entry.made && !entry.uid.empty() && !remove(key, entry)) return;
    record.erase(key);
    applied_.erase(key);
  }

  // False when it has to be tried again.
  bool remove(const ManifestKey& key, const ManifestEntry& entry) {
    const auto version = meta::GroupVersion::parse(entry.apiVersion);
    const auto kind = feed_->registry()->findKind({version.group, version.version, key.kind});
    if (!kind) return true;  // and all of its objects with it
    try {
      client_.remove(kind->resource, namespaceOf(kind->resource, key), key.name,
                     {.uid = entry.uid, .propagation = client::Propagation::kBackground});
      tellOf(Severity::kNormal, "Pruned", fmt::format("{}: no longer in {}", key.text(), entry.file));
      return true;
    } catch (const meta::StatusError& error) {
      if (error.isNotFound() || error.isConflict()) return true;  // it is gone, or another one
      refused(fmt::format("{}: {}", key.text(), error.message()));
      return false;
    }
  }

  // ----------------------------------------------------------------------------------------------------------------

  void tell() {
    for (const auto& problem : problems_) {
      if (!told_.contains(problem)) tellOf(Severity::kWarning, "ApplyFailed", problem);
    }
    told_ = {problems_.begin(), problems_.end()};
    if (again_) {
      queue_.addAfter(kOnlyKey, std::min(client::retryDelay(failures_++), kMaxRetryDelay));
    } else {
      failures_ = 0;
    }
  }

  // What the API did not take may be taken later; a file that is wrong is read again when it changes.
  void refused(std::string problem) {
    problems_.push_back(std::move(problem));
    again_ = true;
  }

  void tellOf(Severity severity, std::string_view reason, const std::string& message) {
    if (severity == Severity::kWarning) {
      manifestLog().error("{}", message);
    } else {
      manifestLog().info("{}", message);
    }
    if (!shown_) writeRecord({});  // what the event is about
    events_.record(*shown_, severity, reason, message);
  }

  client::Client& client_;
  std::string directory_;
  std::shared_ptr<ObjectFeed> feed_;
  client::EventRecorder events_;
  // All that follows is the worker's own.
  std::map<std::string, File> files_;           // by path
  std::map<ManifestKey, std::string> applied_;  // what each object was applied as
  std::vector<std::string> problems_;           // of this round
  std::set<std::string> told_;                  // of the round before
  bool again_ = false;                          // this round has to be gone again, without a change of the files
  unsigned failures_ = 0;                       // rounds of that kind in a row
  ObjectPtr shown_;                             // the record's ConfigMap
  client::Workqueue queue_{"manifests-controller"};
  std::optional<client::ReconcileLoop> loop_;
  std::optional<base::DirectoryWatch> watch_;
};

}  // namespace

std::unique_ptr<Controller> makeManifestController(ControllerContext& context, std::string directory) {
  return std::make_unique<ManifestController>(context, std::move(directory));
}

}  // namespace wherry::controllers
