// CustomResourceDefinitions become kinds: what is stored of them is read into a new registry, which is published whole,
// and their status says so. The first half is pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/client.h"
#include "json/value.h"
#include "schema/kind.h"

namespace wherry::apiserver {

// Whose schema a kind has that is defined: the definition's, or the one that is built in under the same group and name.
enum class Schema { kDefined, kBuiltin };

// The status that a definition gets once its kind is served; nothing when it has it already.
std::optional<json::Value> establishedStatus(const json::Value& definition, Schema schema, const std::string& now);

// A definition that is marked for deletion: its custom resources go first, then it is let go.
bool awaitsCleanup(const json::Value& definition);

class CustomKinds {
 public:
  CustomKinds(client::Client& client, schema::RegistryPtr builtin) : client_(client), builtin_(std::move(builtin)) {}

  // The registry of the built-in kinds and of the definitions there are; blocks. Also reports their status and, for
  // those that are being deleted, deletes what is left of them, unless the kind is built in and stays.
  schema::RegistryPtr load();
  // Answers the resources of which something is left (finalizers hold it): when it goes, settle() is due again.
  std::vector<meta::Resource> settle(const std::string& now);

 private:
  Schema schemaOf(const json::Value& definition) const;
  void establish(const meta::ObjectPtr& definition, const std::string& now);
  bool removeObjects(const json::Value& definition);
  // True when nothing is left and the definition is let go.
  bool cleanUp(const meta::ObjectPtr& definition);

  client::Client& client_;
  schema::RegistryPtr builtin_;
  std::vector<meta::ObjectPtr> definitions_;
};

}  // namespace wherry::apiserver
