#include "main/cluster_snapshot.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <stdexcept>

#include <fmt/format.h>

#include "apiserver/api_server.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/strings.h"
#include "base/sync.h"
#include "storage/restored_database.h"

namespace wherry::main {
namespace {

namespace fs = std::filesystem;
using storage::Sealing;

constexpr std::string_view kNodeNamePart = "node-name";
constexpr std::string_view kPki = "pki/";
constexpr auto kUnfinished = "restoring";  // below the data directory, until all is in its place

// Files of pki/ are sealed as if they were Secrets.
std::string asSecret(const std::string& part) { return "/registry/secrets/" + part; }

struct Sealed {
  std::string bytes;
  Sealing sealing;
};

Sealed seal(const storage::ValueTransformer& transformer, const std::string& key, const std::string& bytes) {
  std::string onDisk = transformer.toDisk(key, bytes);
  return {onDisk, onDisk == bytes ? Sealing::kPlain : Sealing::kSealed};
}

Sealed sealEntry(const storage::ValueTransformer& transformer, const storage::Entry& entry) {
  if (transformer.isUnread(entry.bytes)) return {entry.bytes, Sealing::kUnread};
  return seal(transformer, entry.key, entry.bytes);
}

// "aesgcm key1" of "k8s:enc:aesgcm:v1:key1:..."
std::string keyOf(std::string_view sealed) {
  auto words = base::split(sealed.substr(0, 512), ':');
  return words.size() < 6 ? "an unknown key" : fmt::format("{} {}", words[2], words[4]);
}

// What is told of a snapshot, gathered from what is in it.
class Facts {
 public:
  void note(std::string_view part, std::string_view content, Sealing sealing) {
    if (part == kNodeNamePart) facts_.nodeName = content;
    if (sealing == Sealing::kSealed) facts_.keys.insert(keyOf(content));
  }
  void note(const storage::Entry& entry, std::string_view bytes, Sealing sealing) {
    ++facts_.objects;
    if (sealing == Sealing::kSealed) facts_.keys.insert(keyOf(bytes));
    if (sealing == Sealing::kUnread) facts_.unread.insert(entry.key);
  }
  ClusterFacts finish(const storage::SnapshotEnd& end) {
    facts_.end = end;
    return std::move(facts_);
  }
  const std::string& nodeName() const { return facts_.nodeName; }

 private:
  ClusterFacts facts_;
};

bool isDurable(const storage::EntryPtr& entry, const std::vector<std::string>& volatilePrefixes) {
  return std::none_of(volatilePrefixes.begin(), volatilePrefixes.end(),
                      [&](const std::string& prefix) { return entry->key.starts_with(prefix); });
}

void addPki(const ClusterSource& source, storage::SnapshotWriter& writer, Facts& facts) {
  for (const auto& file : fs::directory_iterator(source.dataDir + "/pki")) {
    if (!file.is_regular_file() || file.path().extension() == ".tmp") continue;
    std::string name = std::string(kPki) + file.path().filename().string();
    Sealed sealed = seal(source.transformer, asSecret(name), base::readFile(file.path()));
    facts.note(name, sealed.bytes, sealed.sealing);
    writer.add({name, std::move(sealed.bytes), sealed.sealing});
  }
}

// What an interrupted restore left goes; anything else stays, and is in the way.
void makeEmpty(const std::string& dataDir) {
  if (!fs::exists(dataDir)) return;
  if (fs::exists(dataDir + "/" + kUnfinished)) {
    for (auto part : {"pki", "store", kUnfinished}) fs::remove_all(dataDir + "/" + part);
  }
  for (const auto& entry : fs::directory_iterator(dataDir)) {
    if (entry.path().filename() == "lost+found") continue;  // of a file system's own
    throw std::runtime_error(fmt::format(
        "{} is not empty ({} is in it): a snapshot is restored into an empty data directory only; move this one away",
        dataDir, entry.path().filename().string()));
  }
}

// Takes a snapshot's records one by one; what it makes lies below DATA-DIR/restoring until finish().
class Restore {
 public:
  explicit Restore(const ClusterTarget& target) : target_(target), folder_(target.dataDir + "/" + kUnfinished) {
    base::makeDirectories(target.dataDir, 0711);
    base::makeDirectories(folder_, 0700);
    base::makeDirectories(folder_ + "/store", 0700);
    base::makeDirectories(folder_ + "/pki", 0700);
    database_.emplace(folder_ + "/store/state.db");
  }
  ~Restore() {
    database_.reset();
    std::error_code ignored;
    if (!moving_) fs::remove_all(folder_, ignored);
  }
  Restore(const Restore&) = delete;
  Restore& operator=(const Restore&) = delete;

  void take(const storage::SnapshotPart& part) {
    facts_.note(part.name, part.content, part.sealing);
    if (part.name.starts_with(kPki)) writePki(part);
  }

  void take(const storage::SnapshotEntry& item) {
    const storage::Entry& entry = *item.entry;
    facts_.note(entry, entry.bytes, item.sealing);
    if (item.sealing == Sealing::kSealed) unseal(entry.key, entry.key, entry.bytes);
    if (!isFormerNode(entry.key)) database_->add(item.entry);
  }

  ClusterFacts finish(const storage::SnapshotEnd& end) {
    database_->finish(storage::markAfterRestore(end, base::Clock::system().now()));
    database_.reset();
    base::syncDirectory(folder_);
    moving_ = true;
    fs::rename(folder_ + "/pki", target_.dataDir + "/pki");
    fs::rename(folder_ + "/store", target_.dataDir + "/store");
    base::syncDirectory(target_.dataDir);
    fs::remove(folder_);
    base::syncDirectory(target_.dataDir);
    return facts_.finish(end);
  }

 private:
  void writePki(const storage::SnapshotPart& part) {
    std::string file = part.name.substr(kPki.size());
    // The file may be another's making: its names lead nowhere else.
    if (file.empty() || file.find('/') != std::string::npos || file.starts_with('.')) {
      throw storage::SnapshotError(fmt::format("the snapshot has a file of the name {}", part.name));
    }
    std::string content =
        part.sealing == Sealing::kPlain ? part.content : unseal(part.name, asSecret(part.name), part.content);
    base::writeFileAtomic(folder_ + "/pki/" + file, content, 0600, base::Durability::kSynced);
  }

  // `what` is what the user knows it by.
  std::string unseal(const std::string& what, const std::string& key, const std::string& sealed) const {
    if (auto plain = target_.transformer.fromDisk(key, sealed)) return std::move(*plain);
    throw std::runtime_error(
        fmt::format("{} is encrypted with {}, which can't open it here: --encryption-config has to name the "
                    "configuration of the server that saved the snapshot, or one with all of its keys",
                    what, keyOf(sealed)));
  }

  // What names the node, and nothing else: all else that belongs to it goes with it.
  bool isFormerNode(const std::string& key) const {
    const std::string& former = facts_.nodeName();
    if (former == target_.nodeName) return false;
    return key == "/registry/nodes/" + former || key == "/registry/storage.k8s.io/csinodes/" + former;
  }

  const ClusterTarget& target_;
  std::string folder_;
  std::optional<storage::RestoredDatabase> database_;
  Facts facts_;
  bool moving_ = false;  // to where they belong; when that fails the folder stays, as the mark of it
};

}  // namespace

ClusterFacts saveCluster(const ClusterSource& source, const std::string& path) {
  storage::SnapshotWriter writer(path);
  Facts facts;
  facts.note(kNodeNamePart, source.nodeName, Sealing::kPlain);
  writer.add({std::string(kNodeNamePart), source.nodeName});
  addPki(source, writer, facts);
  // A pointer to each object as it is now: what changes meanwhile is another one.
  storage::Page page = source.store.list("/", "", 0, 0).page;
  storage::SnapshotEnd end{page.revision, base::Clock::system().now()};
  auto volatilePrefixes = apiserver::storeOptions("").volatilePrefixes;
  for (auto& entry : page.entries) {
    if (isDurable(entry, volatilePrefixes)) {
      Sealed sealed = sealEntry(source.transformer, *entry);
      facts.note(*entry, sealed.bytes, sealed.sealing);
      writer.add(*entry, sealed.bytes, sealed.sealing);
    }
    entry.reset();
  }
  writer.finish(end);
  return facts.finish(end);
}

ClusterFacts verifySnapshot(const std::string& path) {
  storage::SnapshotReader reader(path);
  Facts facts;
  while (auto record = reader.next()) {
    if (const auto* part = std::get_if<storage::SnapshotPart>(&*record)) {
      facts.note(part->name, part->content, part->sealing);
    } else {
      const auto& [entry, sealing] = std::get<storage::SnapshotEntry>(*record);
      facts.note(*entry, entry->bytes, sealing);
    }
  }
  return facts.finish(reader.end());
}

ClusterFacts restoreCluster(const std::string& path, const ClusterTarget& target) {
  storage::SnapshotReader reader(path);
  makeEmpty(target.dataDir);
  Restore restore(target);
  while (auto record = reader.next()) std::visit([&](const auto& each) { restore.take(each); }, *record);
  return restore.finish(reader.end());
}

void checkNoUnfinishedRestore(const std::string& dataDir) {
  if (!fs::exists(dataDir + "/" + kUnfinished)) return;
  throw std::runtime_error(fmt::format(
      "a restore into {} was interrupted: run wherry snapshot restore again, or empty it to begin with a new "
      "cluster",
      dataDir));
}

}  // namespace wherry::main
