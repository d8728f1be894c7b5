// The world itself, and that api/ and chain.cc name the same hooks; what the hooks do is in the other tests.
#include "apiserver/admission/admission_world.h"

#include <set>

#include <gtest/gtest.h>

#include "apiserver/quota/accounts.h"
#include "base/strings.h"
#include "json/patch.h"
#include "json/yaml.h"
#include "schema/object_rules.h"
#include "storage/store.h"

namespace wherry::apiserver {

AdmissionWorld::AdmissionWorld(std::string_view serviceCidrs)
    : registry_(schema::builtinRegistry()), allocations_(serviceCidrs, {}) {
  has("{apiVersion: v1, kind: ServiceAccount, metadata: {name: default}, automountServiceAccountToken: false}");
}

schema::KindPtr AdmissionWorld::kindOf(const json::Value& object) const {
  auto version = meta::GroupVersion::parse(json::getString(object, "apiVersion"));
  return registry_->findKind({version.group, version.version, std::string(json::getString(object, "kind"))});
}

void AdmissionWorld::has(const std::string& manifest) {
  auto object = json::parseYaml(manifest);
  auto kind = kindOf(object);
  if (kind->resource.scope == meta::Scope::kNamespaced) meta::mutableMetadata(object)["namespace"] = "default";
  objects_.emplace(kind->resource.groupResource(), std::make_shared<const meta::Object>(std::move(object)));
}

Admitted AdmissionWorld::create(const std::string& manifest) { return admit(json::parseYaml(manifest), nullptr, ""); }

Admitted AdmissionWorld::update(const std::string& manifest, const std::string& change, std::string_view subresource) {
  auto old = create(manifest);
  if (!old.causes.empty() || !old.refusal.empty()) return old;
  auto object = old.object;
  json::applyMergePatch(object, json::parseYaml(change));
  return admit(std::move(object), &old.object, subresource);
}

Admitted AdmissionWorld::admit(json::Value object, const json::Value* old, std::string_view subresource) {
  static const User kUser{"jane", {"system:authenticated"}, "u-1"};
  auto kind = kindOf(object);
  meta::mutableMetadata(object)["uid"] = "uid-1";
  schema::applyDefaults(*kind->schema, object);
  std::string name(json::getString(object, "metadata.name"));
  bool namespaced = kind->resource.scope == meta::Scope::kNamespaced;
  auto store = storage::openMemoryStore({});
  quota::Accounts accounts(*store, *this);
  AdmissionRequest request{*kind,        old ? Operation::kUpdate : Operation::kCreate,
                           subresource,  namespaced ? "default" : "",
                           name,         kUser,
                           false,        object,
                           old,          *this,
                           allocations_, base::Clock::system()};
  request.quotas = &accounts;
  Admitted admitted;
  auto forEachHook = [&](auto&& f) {
    for (const auto* hook : admissionChain(*kind)) f(*hook);
  };
  try {
    forEachHook([&](const AdmissionHook& hook) { hook.prepare ? hook.prepare(request) : void(); });
    auto errors = schema::validate(*kind->schema, object, old);
    forEachHook([&](const AdmissionHook& hook) { hook.validate ? hook.validate(request, errors) : void(); });
    for (const auto& error : errors) admitted.causes.push_back(std::string(error.reason()) + " " + error.field);
    if (errors.empty()) {
      forEachHook([&](const AdmissionHook& hook) { hook.check ? hook.check(request) : void(); });
      forEachHook([&](const AdmissionHook& hook) { hook.reserve ? hook.reserve(request) : void(); });
    }
  } catch (const meta::StatusError& error) {
    admitted.refusal = std::to_string(error.code()) + " " + error.reason();
    admitted.sentence = error.what();
    for (const auto& each :
         json::find(error.details(), "causes") ? error.details().at("causes").as_array() : json::Array()) {
      admitted.refusal += " " + std::string(json::getString(each, "field"));
    }
  }
  for (auto& undo : request.undo) undo();
  admitted.warnings = std::move(request.warnings);
  admitted.object = std::move(object);
  return admitted;
}

meta::ObjectPtr AdmissionWorld::find(const meta::GroupResource& resource, std::string_view ns,
                                     std::string_view name) const {
  for (const auto& object : list(resource, ns)) {
    if (object->metadata().name() == name) return object;
  }
  return nullptr;
}

std::vector<meta::ObjectPtr> AdmissionWorld::list(const meta::GroupResource& resource, std::string_view) const {
  std::vector<meta::ObjectPtr> found;
  auto [first, last] = objects_.equal_range(resource);
  for (auto at = first; at != last; ++at) found.push_back(at->second);
  return found;
}

void expectAll(AdmissionWorld& world, const std::vector<FilledIn>& rows) {
  for (const auto& row : rows) {
    SCOPED_TRACE(row.sentence);
    auto admitted = world.create(row.manifest);
    EXPECT_EQ(base::join(admitted.causes, "\n"), "");
    EXPECT_EQ(admitted.refusal, "");
    const json::Value* value = json::find(admitted.object, row.path);
    json::Value expected = row.expected[0] ? json::parseYaml(row.expected) : json::Value();
    EXPECT_TRUE(json::equal(value ? *value : json::Value(), expected))
        << (value ? json::renderYaml(*value) : "nothing");
  }
}

void expectAll(AdmissionWorld& world, const std::vector<Refused>& rows) {
  for (const auto& row : rows) {
    SCOPED_TRACE(row.sentence);
    auto admitted = world.create(row.manifest);
    if (!admitted.refusal.empty()) admitted.causes.push_back(admitted.refusal);
    EXPECT_EQ(base::join(admitted.causes, "\n"), base::join(row.causes, "\n"));
  }
}

void expectAll(AdmissionWorld& world, const std::vector<Changed>& rows) {
  for (const auto& row : rows) {
    SCOPED_TRACE(row.sentence);
    auto admitted = world.update(row.manifest, row.change, row.subresource);
    if (!admitted.refusal.empty()) admitted.causes.push_back(admitted.refusal);
    EXPECT_EQ(base::join(admitted.causes, "\n"), base::join(row.causes, "\n"));
  }
}

namespace {

TEST(AdmissionHooks, EveryHookThatApiNamesIsListedAndEveryListedOneIsNamed) {
  std::set<std::string, std::less<>> named;
  for (const auto& kind : schema::builtinRegistry()->kinds()) named.insert(kind->hooks.begin(), kind->hooks.end());
  for (const auto& name : named)
    EXPECT_NE(findHook(name), nullptr) << name << " is named in api/ and missing in chain.cc";
  for (auto name : hookNames())
    EXPECT_TRUE(named.contains(name)) << name << " is listed in chain.cc and named nowhere in api/";
}

}  // namespace
}  // namespace wherry::apiserver
