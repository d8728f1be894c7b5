// The half of inspection.h that asks the cluster.
#include <filesystem>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/fd.h"
#include "base/strings.h"
#include "cli/admin_client.h"
#include "client/https_client.h"
#include "client/kubeconfig.h"
#include "main/inspection.h"
#include "main/machine_checks.h"
#include "main/redaction.h"
#include "main/run_lock.h"
#include "schema/kind.h"
#include "storage/sqlite_engine.h"

namespace wherry::main {
namespace {

// The list of one resource as text, "pods" -> [...].
std::string render(const json::Array& objects) { return json::serializePretty(objects) + "\n"; }

// Which kinds are asked for: each stored resource once, in its preferred version.
std::vector<schema::KindPtr> storedKinds(client::Client& client) {
  schema::RegistryPtr registry = schema::builtinRegistry();
  schema::KindPtr crd = registry->findResource("apiextensions.k8s.io", "v1", "customresourcedefinitions");
  if (crd) {
    std::vector<json::Value> definitions;
    for (const auto& object : client.list(crd->resource, "").items) definitions.push_back(object->tree());
    registry = schema::withCustomKinds(registry, definitions);
  }
  std::vector<schema::KindPtr> kinds;
  std::set<std::string> seen;
  for (const schema::KindPtr& kind : registry->kinds()) {
    if (kind->virtualKind || !kind->hasVerb("list")) continue;
    if (seen.insert(kind->storageGroup + "/" + kind->resource.resource).second) kinds.push_back(kind);
  }
  return kinds;
}

std::string fileName(const meta::Resource& resource) {
  return "objects/" + resource.resource + (resource.group.empty() ? "" : "." + resource.group) + ".json";
}

void addFromApi(const ServerOptions& options, ReportArchive& archive) {
  auto client = client::newHttpsClient(client::loadKubeconfig(options.kubeconfig));
  for (const schema::KindPtr& kind : storedKinds(*client)) {
    try {
      json::Array objects;
      for (const auto& object : client->list(kind->resource, "").items) {
        objects.push_back(redactObject(object->tree(), kind->resource.kind));
      }
      if (!objects.empty()) archive.add(fileName(kind->resource), render(objects));
    } catch (const meta::StatusError& error) {
      archive.add(fileName(kind->resource), fmt::format("can't be listed: {}\n", error.what()));
    }
  }
}

// A directory that only we can read, and that is gone afterwards.
class Scratch {
 public:
  Scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "wherry-inspect-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) base::throwErrno("mkdtemp " + pattern);
    path_ = pattern;
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// "/registry/secrets/default/db" -> "secrets", "/registry/apps/deployments/default/web" -> "deployments.apps".
std::string resourceOf(std::string_view key) {
  static const std::set<std::string, std::less<>> kGroups = [] {
    std::set<std::string, std::less<>> groups;
    for (const schema::KindPtr& kind : schema::builtinRegistry()->kinds()) groups.insert(kind->resource.group);
    return groups;
  }();
  auto parts = base::split(key, '/');
  if (parts.size() < 4) return "unknown";
  bool grouped = kGroups.contains(parts[2]) || parts[2].find('.') != std::string_view::npos;
  return grouped ? fmt::format("{}.{}", parts[3], parts[2]) : std::string(parts[2]);
}

// A copy: reading must not change what is to be inspected.
void addFromDatabase(const ServerOptions& options, ReportArchive& archive) {
  Scratch scratch;
  const std::string copy = scratch.path() / "state.db";
  for (const char* suffix : {"", "-wal"}) {
    std::filesystem::path file = options.dataDir + "/store/state.db" + suffix;
    if (std::filesystem::exists(file)) std::filesystem::copy_file(file, copy + suffix);
  }
  std::map<std::string, json::Array> objects;
  storage::openSqliteEngine(copy)->load([&](const storage::Row& row) {
    std::string resource = resourceOf(row.key);
    json::Value object = json::parse(row.bytes);
    objects[resource].push_back(redactObject(std::move(object), resource == "secrets" ? "Secret" : ""));
  });
  for (const auto& [resource, list] : objects) archive.add("objects/" + resource + ".json", render(list));
}

}  // namespace

void addObjects(const ServerOptions& options, ReportArchive& archive) {
  std::string why;
  try {
    return addFromApi(options, archive);
  } catch (const std::exception& error) {
    why = fmt::format("the API does not answer: {}\n", error.what());
  }
  // The database of a server that runs changes under the copying hand.
  if (!RunLock::isHeld(options.runDir) && std::filesystem::exists(options.dataDir + "/store/state.db")) {
    try {
      why += "the objects are those of the database\n";
      addFromDatabase(options, archive);
    } catch (const std::exception& error) {
      why += fmt::format("nor can the database be read: {}\n", error.what());
    }
  }
  archive.add("objects/README", redactText(why));
}

void addStatus(const ServerOptions& options, ReportArchive& archive) {
  try {
    archive.add("status.json", json::serializePretty(cli::AdminClient(options.runDir).get("/report")) + "\n");
  } catch (const std::exception& error) {
    archive.add("status.txt", std::string(error.what()) + "\n");
  }
  std::string checks;
  for (const Finding& finding : checkFacts(readMachineFacts(options, Scope::kRunning))) {
    checks += fmt::format("{:<5} {}: {} {}\n", levelText(finding.level), finding.name, finding.text, finding.remedy);
  }
  archive.add("check.txt", checks);
}

}  // namespace wherry::main
