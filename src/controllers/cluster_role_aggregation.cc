#include "controllers/cluster_role_aggregation.h"

#include <algorithm>

#include "base/log.h"
#include "client/workqueue.h"
#include "meta/selector.h"
#include "views/rbac_v1.h"

namespace wherry::controllers {

namespace {

using meta::ObjectPtr;
using rbac_v1::ClusterRole;

constexpr std::string_view kName = "clusterrole-aggregation-controller";
constexpr std::string_view kSelectors = "aggregationRule.clusterRoleSelectors";
const std::string kAll;  // the one key: every role that gathers others is looked at

const json::Array& listAt(const meta::Object& role, std::string_view path) {
  static const json::Array kNone;
  const auto* list = json::find(role.tree(), path);
  return list && list->is_array() ? list->get_array() : kNone;
}

const json::Object& labelsOf(const meta::Object& role) {
  static const json::Object kNone;
  const auto* labels = json::find(role.tree(), "metadata.labels");
  return labels && labels->is_object() ? labels->get_object() : kNone;
}

void addRules(json::Array& rules, const json::Array& more) {
  for (const auto& rule : more) {
    bool there = std::ranges::any_of(rules, [&](const auto& each) { return json::equal(each, rule); });
    if (!there) rules.push_back(rule);
  }
}

class ClusterRoleAggregation : public Controller {
 public:
  explicit ClusterRoleAggregation(ControllerContext& context)
      : client_(context.client), roles_(context.informers.informer(ClusterRole::kResource())) {
    roles_.addHandler({.onChange = [this](const ObjectPtr&, const ObjectPtr&) { queue_.add(kAll); },
                       .onSynced = {},
                       .onRevision = {}});
  }

  void start() override {
    loop_.emplace(queue_, [this](const std::string&) { reconcile(); });
  }

 private:
  void reconcile() {
    auto roles = roles_.list();
    for (const auto& role : roles) {
      auto rules = decideAggregatedRules(*role, roles);
      if (!rules) continue;
      log_.info("ClusterRole {} gathers {} rules", role->metadata().name(), rules->size());
      client_.patch(ClusterRole::kResource(), "", role->metadata().name(), client::PatchType::kMerge,
                    json::Object{{"rules", std::move(*rules)}}, {.fieldManager = std::string(kName)});
    }
  }

  client::Client& client_;
  client::Informer& roles_;
  base::Log log_{"clusterrole-aggregation"};
  client::Workqueue queue_{std::string(kName)};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

std::unique_ptr<Controller> makeClusterRoleAggregationController(ControllerContext& context) {
  return std::make_unique<ClusterRoleAggregation>(context);
}

std::optional<json::Array> decideAggregatedRules(const meta::Object& role, std::vector<ObjectPtr> clusterRoles) {
  const auto& selectors = listAt(role, kSelectors);
  if (selectors.empty()) return std::nullopt;
  std::ranges::sort(clusterRoles, {}, [](const ObjectPtr& each) { return each->metadata().name(); });
  json::Array rules;
  for (const auto& each : selectors) {
    auto selector = meta::LabelSelector::fromObject(&each);
    for (const auto& other : clusterRoles) {
      bool self = other->metadata().name() == role.metadata().name();
      if (!self && selector.matches(labelsOf(*other))) addRules(rules, listAt(*other, "rules"));
    }
  }
  if (json::equal(rules, listAt(role, "rules"))) return std::nullopt;
  return rules;
}

}  // namespace wherry::controllers
