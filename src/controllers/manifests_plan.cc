#include <algorithm>
#include <array>
#include <stdexcept>

#include <fmt/format.h>

#include "base/strings.h"
#include "controllers/manifests.h"
#include "json/yaml.h"
#include "meta/object.h"

namespace wherry::controllers {

namespace {

// Others come between the last of `kFirst` and the first of `kLast`.
constexpr std::array<std::string_view, 3> kFirst{"Namespace", "CustomResourceDefinition", "PriorityClass"};
constexpr std::array<std::string_view, 4> kLast{"ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration",
                                                "MutatingWebhookConfiguration", "APIService"};

size_t rankOf(std::string_view kind) {
  const auto first = std::find(kFirst.begin(), kFirst.end(), kind);
  if (first != kFirst.end()) return static_cast<size_t>(first - kFirst.begin());
  const auto last = std::find(kLast.begin(), kLast.end(), kind);
  return kFirst.size() + (last == kLast.end() ? 0 : 1 + static_cast<size_t>(last - kLast.begin()));
}

std::string groupOf(std::string_view apiVersion) {
  const auto slash = apiVersion.find('/');
  return slash == apiVersion.npos ? std::string() : std::string(apiVersion.substr(0, slash));
}

ManifestObject objectOf(const std::string& file, json::Value tree) {
  const auto require = [&](std::string_view path) {
    if (!tree.is_object() || json::getString(tree, path).empty()) {
      throw std::invalid_argument(fmt::format("an object has no {}", path));
    }
  };
  for (const auto path : {"apiVersion", "kind", "metadata.name"}) require(path);
  tree.as_object().erase("status");
  json::Object& metadata = meta::mutableMetadata(tree);
  for (const auto field : {"managedFields", "uid", "resourceVersion", "generation", "creationTimestamp"}) {
    metadata.erase(field);
  }
  ManifestKey key{groupOf(json::getString(tree, "apiVersion")), std::string(json::getString(tree, "kind")),
                  std::string(json::getString(tree, "metadata.namespace")),
                  std::string(json::getString(tree, "metadata.name"))};
  return {std::move(key), file, std::move(tree)};
}

bool isList(const json::Value& document) {
  const auto* items = json::find(document, "items");
  return json::getString(document, "kind").ends_with("List") && items && items->is_array();
}

// Nobody had a hand in the object before this controller. Those who come in the same second may have been before it;
// one who says nothing but a name has no entry.
bool isFirst(const json::Value& object) {
  const auto* managers = json::find(object, "metadata.managedFields");
  if (!managers || !managers->is_array()) return true;
  const auto isOurs = [](const json::Value& entry) {
    return json::getString(entry, "manager") == kManifestManager && json::getString(entry, "operation") == "Apply" &&
           json::getString(entry, "subresource").empty();
  };
  const auto& entries = managers->get_array();
  const auto ours = std::find_if(entries.begin(), entries.end(), isOurs);
  const auto since = ours == entries.end() ? std::string_view() : json::getString(*ours, "time");
  return std::all_of(entries.begin(), entries.end(), [&](const json::Value& entry) {
    const bool later = !since.empty() && json::getString(entry, "time") > since;
    return later || isOurs(entry) || !json::getString(entry, "subresource").empty();
  });
}

}  // namespace

std::string ManifestKey::text() const {
  return fmt::format("{}{}{} {}{}{}", kind, group.empty() ? "" : ".", group, ns, ns.empty() ? "" : "/", name);
}

std::vector<ManifestObject> readManifest(const std::string& file, std::string_view text) {
  std::vector<ManifestObject> objects;
  for (auto& document : json::parseYamlStream(text)) {
    if (document.is_null()) continue;
    if (isList(document)) {
      for (const auto& item : json::find(document, "items")->get_array()) objects.push_back(objectOf(file, item));
    } else {
      objects.push_back(objectOf(file, std::move(document)));
    }
  }
  return objects;
}

std::vector<ManifestObject> orderManifests(std::vector<ManifestObject> objects, std::vector<std::string>& problems) {
  std::set<ManifestKey> seen;
  std::vector<ManifestObject> ordered;
  for (auto& object : objects) {
    if (seen.insert(object.key).second) {
      ordered.push_back(std::move(object));
    } else {
      problems.push_back(fmt::format("{}: {} is in another manifest, too", object.file, object.key.text()));
    }
  }
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const auto& a, const auto& b) { return rankOf(a.key.kind) < rankOf(b.key.kind); });
  return ordered;
}

std::string renderRecord(const ManifestRecord& record) {
  std::string text;
  for (const auto& [key, entry] : record) {
    text += json::serialize(json::Object{{"apiVersion", entry.apiVersion},
                                         {"kind", key.kind},
                                         {"namespace", key.ns},
                                         {"name", key.name},
                                         {"file", entry.file},
                                         {"uid", entry.uid},
                                         {"made", entry.made}});
    text += '\n';
  }
  return text;
}

ManifestRecord parseRecord(std::string_view text) {
  ManifestRecord record;
  for (const auto line : base::split(text, '\n')) {
    try {
      if (line.empty()) continue;
      const auto value = json::parse(line);
      const auto field = [&](std::string_view name) { return std::string(json::getString(value, name)); };
      record[{groupOf(field("apiVersion")), field("kind"), field("namespace"), field("name")}] = {
          field("file"), field("apiVersion"), field("uid"), json::getBool(value, "made")};
    } catch (const json::ParseError&) {
      continue;  // somebody's own line
    }
  }
  return record;
}

std::vector<ManifestKey> decidePrune(const ManifestRecord& record, const std::vector<ManifestObject>& wanted,
                                     const std::set<std::string>& unreadable) {
  std::set<ManifestKey> keys;
  for (const auto& object : wanted) keys.insert(object.key);
  std::vector<ManifestKey> prune;
  for (const auto& [key, entry] : record) {
    if (!keys.contains(key) && !unreadable.contains(entry.file)) prune.push_back(key);
  }
  std::stable_sort(prune.begin(), prune.end(),
                   [](const auto& a, const auto& b) { return rankOf(a.kind) > rankOf(b.kind); });
  return prune;
}

ManifestEntry appliedEntry(ManifestEntry before, const json::Value& answer) {
  const auto uid = json::getString(answer, "metadata.uid");
  if (before.uid != uid) {
    before.made = before.made && isFirst(answer);
  }
  before.uid = uid;
  return before;
}

}  // namespace wherry::controllers
