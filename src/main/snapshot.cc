#include "main/snapshot.h"

#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/encoding.h"
#include "cli/admin_client.h"
#include "cli/patience.h"
#include "main/cluster_snapshot.h"
#include "main/encryption_file.h"
#include "main/run_lock.h"
#include "main/server_options.h"

namespace wherry::main {
namespace {

constexpr std::chrono::minutes kSaveTimeout{60};

struct SnapshotOptions {
  ServerOptions server;
  std::string file;
};

// What is to be known of encrypted objects; nothing when there are none.
void printSealing(const std::set<std::string>& keys, const std::set<std::string>& unread) {
  if (!keys.empty()) {
    fmt::print("encrypted as on the disk, with {}: to restore it takes the server's --encryption-config\n",
               fmt::join(keys, ", "));
  }
  for (const std::string& key : unread) fmt::print("{} can't be decrypted by the server; it is in it as it is\n", key);
}

std::set<std::string> namesOf(const json::Value& answer, const char* field) {
  std::set<std::string> names;
  for (const json::Value& name : answer.at(field).as_array()) names.emplace(name.as_string());
  return names;
}

// The server has another working directory.
int save(const SnapshotOptions& options) {
  std::string path = std::filesystem::absolute(options.file);
  cli::Patience patience("saving " + options.file);
  json::Value answer =
      cli::AdminClient(options.server.runDir).post("/snapshot?file=" + base::encodePercent(path), kSaveTimeout);
  fmt::print("saved {} objects at revision {} to {}\n", json::getInt(answer, "objects"),
             json::getInt(answer, "revision"), options.file);
  auto keys = namesOf(answer, "keys");
  if (keys.empty()) fmt::print("who has this file has all Secrets and keys of the cluster\n");
  printSealing(keys, namesOf(answer, "unread"));
  return 0;
}

int verify(const SnapshotOptions& options) {
  ClusterFacts facts = verifySnapshot(options.file);
  fmt::print("{} is whole: {} objects at revision {}, saved on the node {} at {}\n", options.file, facts.objects,
             facts.end.revision, facts.nodeName, base::formatUtcMillis(facts.end.saved));
  printSealing(facts.keys, facts.unread);
  return 0;
}

int restore(const SnapshotOptions& options) {
  ClusterTarget target{.transformer = apiserver::makeTransformer(readEncryptionFile(options.server.encryptionConfig)),
                       .dataDir = std::filesystem::absolute(options.server.dataDir),
                       .nodeName = options.server.nodeName.empty() ? ownNodeName() : options.server.nodeName};
  RunLock lock(options.server.runDir, "stop it first: systemctl stop wherry, or make down");
  ClusterFacts facts = restoreCluster(options.file, target);
  fmt::print("restored {} objects into {}; start the server to use them\n", facts.objects, target.dataDir);
  if (facts.nodeName != target.nodeName) {
    fmt::print("the node was {} and is now {}: pods of {} end, and their controllers make new ones\n", facts.nodeName,
               target.nodeName, facts.nodeName);
  }
  printSealing(facts.keys, facts.unread);
  return 0;
}

}  // namespace

std::function<int()> declareSnapshot(CLI::App& parser) {
  auto options = std::make_shared<SnapshotOptions>();
  ServerOptions& server = options->server;
  parser.add_option("--run-dir", server.runDir, "the server's run directory")->type_name("DIR")->capture_default_str();
  parser.add_option("--data-dir", server.dataDir, "where to restore: an empty directory, or none yet")
      ->type_name("DIR")
      ->capture_default_str();
  parser.add_option("--node-name", server.nodeName,
                    "the name of the node that it is restored on (default: the host's)");
  parser
      .add_option("--encryption-config", server.encryptionConfig,
                  "to restore what was encrypted: the configuration of the server that saved it")
      ->type_name("FILE");
  parser.require_subcommand(1);
  parser.fallthrough();
  auto add = [&](const char* name, const char* help) {
    CLI::App* command = parser.add_subcommand(name, help);
    command->add_option("FILE", options->file, "the snapshot")->type_name("FILE")->required();
    return command;
  };
  CLI::App* saving = add("save", "write the running cluster, its objects and its keys, to a file");
  CLI::App* restoring = add("restore", "make a data directory of a file, on this machine or another");
  add("verify", "say whether a file is whole, and what is in it");
  parser.footer("Images, volumes and logs are not in a snapshot.");
  return [=] {
    if (*saving) return save(*options);
    if (*restoring) return restore(*options);
    return verify(*options);
  };
}

}  // namespace wherry::main
