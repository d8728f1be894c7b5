// The manifests controller: the files of a directory are applied, server-side, at the start and whenever they change;
// what is in none of them any more is deleted. Only what it made itself: an object that was there before is changed as
// its manifest says, and left alone when that goes.
//
// What it has applied stands in the ConfigMap wherry-manifests of kube-system, written before anything is applied, so
// that nothing is lost track of; events on it say what was done and what failed. What the API refuses is tried again,
// with back-off: a kind may have to be defined first. A file that can't be read, or is being written, takes nothing
// away.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/controller.h"
#include "json/value.h"

namespace wherry::controllers {

// Not of the table of controllers, for it has a directory: made after those were started.
std::unique_ptr<Controller> makeManifestController(ControllerContext& context, std::string directory);

// -- pure ----------------------------------------------------------------------------------------------------------

inline constexpr std::string_view kManifestManager = "wherry-manifests";  // the field manager, and the record's name

// Which object is meant, whatever version of it.
struct ManifestKey {
  std::string group, kind, ns, name;
  auto operator<=>(const ManifestKey&) const = default;
  std::string text() const;  // "Deployment.apps shop/web"
};

// An object as it is sent: without what only the server says.
struct ManifestObject {
  ManifestKey key;  // ns as the file has it: the server knows whether "" is "default"
  std::string file;
  json::Value object;
};

// All documents of a file, those of a List each. Throws json::ParseError, std::invalid_argument (no apiVersion, kind
// or name).
std::vector<ManifestObject> readManifest(const std::string& file, std::string_view text);

// In the order in which they can be applied: Namespaces and definitions of kinds first, what may refuse the others
// last. The first of two that mean the same object; the others are told of in `problems`.
std::vector<ManifestObject> orderManifests(std::vector<ManifestObject> objects, std::vector<std::string>& problems);

// What the record says of an object.
struct ManifestEntry {
  std::string file;
  std::string apiVersion;
  std::string uid;    // "": it may not be there yet
  bool made = false;  // by this controller
  bool operator==(const ManifestEntry&) const = default;
};
using ManifestRecord = std::map<ManifestKey, ManifestEntry>;

// The record as text, and back; what can't be read is left out.
std::string renderRecord(const ManifestRecord& record);
ManifestRecord parseRecord(std::string_view text);

// What the record says that no file does any more, in the order in which it can go: the reverse of the above. Objects
// of `unreadable` files stay.
std::vector<ManifestKey> decidePrune(const ManifestRecord& record, const std::vector<ManifestObject>& wanted,
                                     const std::set<std::string>& unreadable);

// The entry after the object was applied, with this answer. `before`: as planned.
ManifestEntry appliedEntry(ManifestEntry before, const json::Value& answer);

}  // namespace wherry::controllers
