// For tests: admission as a write meets it, with the other objects in memory.
//
//   AdmissionWorld world;
//   world.has("apiVersion: v1\nkind: LimitRange\n...");
//   world.create(kPod).object   // as it would be stored
//   world.create(kBad).causes   // {"FieldValueRequired spec.ports"}
#pragma once

#include <map>
#include <string>
#include <vector>

#include "apiserver/admission/admission.h"
#include "apiserver/allocations.h"
#include "schema/kind.h"

namespace wherry::apiserver {

struct Admitted {
  json::Value object;
  std::vector<std::string> causes;  // "<reason> <field>", in order
  std::string refusal;              // of a hook that throws: "403 Forbidden"
  std::string sentence;             // its message
  std::vector<std::string> warnings;
};

class AdmissionWorld : public ObjectReader {
 public:
  explicit AdmissionWorld(std::string_view serviceCidrs = "10.96.0.0/16");

  // Another object, in the namespace "default" or none. Not admitted.
  void has(const std::string& manifest);
  // Admits what a user sends; nothing of it stays.
  Admitted create(const std::string& manifest);
  // `change` is merged into what `manifest` was admitted as.
  Admitted update(const std::string& manifest, const std::string& change, std::string_view subresource = "");

  meta::ObjectPtr find(const meta::GroupResource& resource, std::string_view ns, std::string_view name) const override;
  std::vector<meta::ObjectPtr> list(const meta::GroupResource& resource, std::string_view ns) const override;

 private:
  schema::KindPtr kindOf(const json::Value& object) const;
  Admitted admit(json::Value object, const json::Value* old, std::string_view subresource);

  schema::RegistryPtr registry_;
  Allocations allocations_;
  std::multimap<meta::GroupResource, meta::ObjectPtr> objects_;
};

// Rows of tables; each is a test of its own sentence.
struct FilledIn {
  const char* sentence;
  const char* manifest;
  const char* path;      // what of the admitted object is compared
  const char* expected;  // as YAML; "" for nothing
};
struct Refused {
  const char* sentence;
  const char* manifest;
  std::vector<std::string> causes;  // none: it is admitted
};
struct Changed {
  const char* sentence;
  const char* manifest;
  const char* change;
  std::vector<std::string> causes;
  const char* subresource = "";
};
void expectAll(AdmissionWorld& world, const std::vector<FilledIn>& rows);
void expectAll(AdmissionWorld& world, const std::vector<Refused>& rows);
void expectAll(AdmissionWorld& world, const std::vector<Changed>& rows);

}  // namespace wherry::apiserver
