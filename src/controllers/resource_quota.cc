#include "controllers/resource_quota.h"

#include <algorithm>
#include <set>

#include "base/guarded.h"
#include "client/workqueue.h"
#include "views/core_v1.h"

namespace wherry::controllers {
namespace {

using core_v1::ResourceQuota;
using meta::ObjectPtr;

// A status without `used` is counted by the API server.
json::Value countRequest(const meta::Object& quota) {
  const json::Value* hard = json::find(quota.tree(), "spec.hard");
  return {{"status", {{"hard", hard ? *hard : json::Value(json::Object())}, {"used", nullptr}}}};
}

class ResourceQuotaController : public Controller {
 public:
  explicit ResourceQuotaController(ControllerContext& context)
      : client_(context.client), quotas_(context.informers.informer(ResourceQuota::kResource())) {
    quotas_.addHandler({.onChange =
                            [this](const ObjectPtr&, const ObjectPtr& after) {
                              if (after) queue_.add(after->key().text());
                            },
                        .onSynced = {},
                        .onRevision = {}});
  }

  void start() override {
    loop_.emplace(queue_, [this](const std::string& key) { reconcile(key); });
  }

 private:
  void reconcile(const std::string& key) {
    auto quota = quotas_.get(meta::ObjectKey::parse(key));
    if (!quota) return;
    auto patch = decideCount(*quota);
    std::string uid(quota->metadata().uid());
    if (!patch && !counted_.with([&](auto& uids) { return uids.contains(uid); })) patch = countRequest(*quota);
    if (!patch) return;
    client_.patch(ResourceQuota::kResource(), quota->metadata().ns(), quota->metadata().name(),
                  client::PatchType::kMerge, *patch, {.subresource = "status", .fieldManager = {}, .force = false});
    counted_.with([&](auto& uids) { uids.insert(uid); });
  }

  client::Client& client_;
  client::Informer& quotas_;
  client::Workqueue queue_{"resourcequota-controller"};
  base::Guarded<std::set<std::string>> counted_;  // since the start, by uid
  std::optional<client::ReconcileLoop> loop_;     // last: it uses all of the above
};

}  // namespace

std::optional<json::Value> decideCount(const meta::Object& quota) {
  const json::Value *hard = json::find(quota.tree(), "spec.hard"), *known = json::find(quota.tree(), "status.hard");
  const json::Value* used = json::find(quota.tree(), "status.used");
  if (!hard || !hard->is_object()) return std::nullopt;
  bool counted = known && json::equal(*known, *hard) && used && used->is_object() &&
                 std::all_of(hard->get_object().begin(), hard->get_object().end(),
                             [&](const auto& limit) { return used->get_object().contains(limit.key()); });
  if (counted) return std::nullopt;
  return countRequest(quota);
}

std::unique_ptr<Controller> makeResourceQuotaController(ControllerContext& context) {
  return std::make_unique<ResourceQuotaController>(context);
}

}  // namespace wherry::controllers
