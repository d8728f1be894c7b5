// The whole cluster as one file, and back: its objects, and the keys by which clients, nodes and pods know it.
//
// What a snapshot has: all durable objects of one revision, the files of DATA-DIR/pki, and the name of the node. What
// it has not: images, volumes, logs, Events, heartbeats. What the store encrypts is encrypted in it too, and the files
// of pki/ are as Secrets are. Restored under another node's name the former Node is left out, and the pod garbage
// collector ends what was bound to it, as for any node that is gone.
#pragma once

#include <set>
#include <string>

#include "storage/snapshot.h"
#include "storage/store.h"
#include "storage/transformed_engine.h"

namespace wherry::main {

struct ClusterFacts {
  storage::SnapshotEnd end;
  size_t objects = 0;
  std::string nodeName;
  std::set<std::string> keys;    // what it takes to read it: "aesgcm key1"
  std::set<std::string> unread;  // the keys of objects that the server could not read
};

struct ClusterSource {
  const storage::Store& store;
  storage::ValueTransformer transformer;
  std::string dataDir;
  std::string nodeName;
};

// Any thread; the server goes on meanwhile. Throws std::system_error.
ClusterFacts saveCluster(const ClusterSource& source, const std::string& path);

// Reads all of it. Throws storage::SnapshotError, std::system_error.
ClusterFacts verifySnapshot(const std::string& path);

struct ClusterTarget {
  storage::ValueTransformer transformer;  // has to read what the snapshot's server could read
  std::string dataDir;                    // empty, or none yet
  std::string nodeName;
};

// Nothing is there unless all is. Throws std::runtime_error: the file, the directory, or a key that is missing.
ClusterFacts restoreCluster(const std::string& path, const ClusterTarget& target);

// A server must not begin a new cluster where a restore was interrupted. Throws std::runtime_error.
void checkNoUnfinishedRestore(const std::string& dataDir);

}  // namespace wherry::main
