#include "apiserver/authorization/role_authorizer.h"

#include "apiserver/stored_form.h"

namespace wherry::apiserver {
namespace {

constexpr std::string_view kGroup = "rbac.authorization.k8s.io";
constexpr std::string_view kPrefix = "/registry/rbac.authorization.k8s.io/";

template <typename T>
void put(std::map<meta::ObjectKey, std::shared_ptr<const T>>& map, const meta::ObjectKey& key,
         const storage::EntryPtr& entry, T (*read)(const json::Value&)) {
  if (entry) {
    map[key] = std::make_shared<const T>(read(json::parse(entry->bytes)));
  } else {
    map.erase(key);
  }
}

}  // namespace

RoleAuthorizer::RoleAuthorizer(storage::Store& store)
    : follower_(store, std::string(kPrefix),
                {[this] { objects_ = {}; }, [this](const auto& key, const auto& entry) { take(key, entry); },
                 [this] { index_.publish(RoleIndex(objects_)); }}) {}

base::Published<RoleIndex>::Snapshot RoleAuthorizer::index() const {
  follower_.catchUp();
  return index_.load();
}

void RoleAuthorizer::take(const std::string& key, const storage::EntryPtr& entry) {
  auto under = [&](const char* resource) { return resourcePrefix({std::string(kGroup), resource}); };
  for (const char* resource : {"roles", "clusterroles"}) {
    if (auto prefix = under(resource); key.starts_with(prefix)) {
      put(objects_.roles, parseObjectKey(key, prefix), entry, readRules);
    }
  }
  for (const char* resource : {"rolebindings", "clusterrolebindings"}) {
    if (auto prefix = under(resource); key.starts_with(prefix)) {
      put(objects_.bindings, parseObjectKey(key, prefix), entry, readBinding);
    }
  }
}

}  // namespace wherry::apiserver
