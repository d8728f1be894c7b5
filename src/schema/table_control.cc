#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/strings.h"
#include "meta/time.h"
#include "schema/table_cells.h"
#include "schema/table_text.h"

namespace wherry::schema {
namespace {

using json::Value;
using Now = base::WallTime;

Value roleRef(const Value& binding, Now) {
  return Value(
      fmt::format("{}/{}", json::getString(binding, "roleRef.kind"), json::getString(binding, "roleRef.name")));
}

Value subjectsOf(const Value& binding, std::string_view kind) {
  std::vector<std::string> subjects;
  for (const Value& subject : arrayAt(binding, "subjects")) {
    if (json::getString(subject, "kind") != kind) continue;
    std::string name(json::getString(subject, "name"));
    if (kind == "ServiceAccount") name = std::string(json::getString(subject, "namespace")) + "/" + name;
    subjects.push_back(std::move(name));
  }
  return Value(base::join(subjects, ", "));
}
Value bindingUsers(const Value& binding, Now) { return subjectsOf(binding, "User"); }
Value bindingGroups(const Value& binding, Now) { return subjectsOf(binding, "Group"); }
Value bindingServiceAccounts(const Value& binding, Now) { return subjectsOf(binding, "ServiceAccount"); }

enum class QuotaSide { kRequests, kLimits };

// "cpu: 1/2, pods: 3/10": used of hard, for limits.* or for everything else.
Value renderQuota(const Value& quota, QuotaSide side) {
  const json::Object& used = objectAt(quota, "status.used");
  std::set<std::string> lines;
  for (const auto& hard : objectAt(quota, "status.hard")) {
    bool isLimit = std::string_view(hard.key()).starts_with("limits.");
    if (isLimit != (side == QuotaSide::kLimits) || !hard.value().is_string()) continue;
    const Value* now = used.if_contains(hard.key());
    std::string_view usedText = now != nullptr && now->is_string() ? std::string_view(now->get_string()) : "0";
    std::string_view key = hard.key();
    lines.insert(fmt::format("{}: {}/{}", key, usedText, std::string_view(hard.value().get_string())));
  }
  return Value(base::join({lines.begin(), lines.end()}, ", "));
}
Value quotaRequests(const Value& quota, Now) { return renderQuota(quota, QuotaSide::kRequests); }
Value quotaLimits(const Value& quota, Now) { return renderQuota(quota, QuotaSide::kLimits); }

Value priorityClassGlobalDefault(const Value& object, Now) { return json::getBool(object, "globalDefault"); }

Value webhookCount(const Value& object, Now) { return arrayAt(object, "webhooks").size(); }
Value policyMutations(const Value& object, Now) { return arrayAt(object, "spec.mutations").size(); }
Value policyValidations(const Value& object, Now) { return arrayAt(object, "spec.validations").size(); }

Value policyParamKind(const Value& policy, Now) {
  const Value* kind = json::find(policy, "spec.paramKind");
  if (kind == nullptr || kind->is_null()) return Value(kUnset);
  return Value(fmt::format("{}/{}", json::getString(*kind, "apiVersion"), json::getString(*kind, "kind")));
}

Value policyParamRef(const Value& binding, Now) {
  const Value* reference = json::find(binding, "spec.paramRef");
  if (reference == nullptr || reference->is_null()) return Value(kUnset);
  std::string_view name = json::getString(*reference, "name");
  std::string_view ns = json::getString(*reference, "namespace");
  return Value(ns.empty() ? std::string(name) : fmt::format("{}/{}", ns, name));
}

Value apiServiceTarget(const Value& service, Now) {
  const Value* target = json::find(service, "spec.service");
  if (target == nullptr || target->is_null()) return "Local";
  return Value(fmt::format("{}/{}", json::getString(*target, "namespace"), json::getString(*target, "name")));
}

Value apiServiceAvailable(const Value& service, Now) {
  const Value* available = findCondition(service, "Available");
  if (available == nullptr) return "Unknown";
  std::string_view status = json::getString(*available, "status");
  if (status == "True") return "True";
  return Value(fmt::format("{} ({})", status, json::getString(*available, "reason")));
}

Value csrSignerName(const Value& request, Now) { return Value(textAt(request, "spec.signerName", kNone)); }

Value csrDuration(const Value& request, Now) {
  int64_t seconds = json::getInt(request, "spec.expirationSeconds");
  return Value(seconds == 0 ? std::string(kNone) : meta::humanDuration(std::chrono::seconds(seconds)));
}

Value csrCondition(const Value& request, Now) {
  std::string text;
  for (const char* type : {"Approved", "Denied", "Failed"}) {
    if (findCondition(request, type) != nullptr) text += (text.empty() ? "" : ",") + std::string(type);
  }
  if (text.empty()) text = "Pending";
  return Value(json::getString(request, "status.certificate").empty() ? text : text + ",Issued");
}

Value flowSchemaDistinguisher(const Value& flow, Now) {
  return Value(textAt(flow, "spec.distinguisherMethod.type", kNone));
}

Value flowSchemaMissingLevel(const Value& flow, Now) {
  const Value* dangling = findCondition(flow, "Dangling");
  return dangling == nullptr ? "?" : Value(json::getString(*dangling, "status"));
}

Value numberOrNone(const Value& object, std::string_view path) {
  const Value* value = json::find(object, path);
  return value == nullptr || value->is_null() ? Value(kNone) : *value;
}
Value priorityLevelShares(const Value& level, Now) {
  bool exempt = json::getString(level, "spec.type") == "Exempt";
  return numberOrNone(level, exempt ? "spec.exempt.nominalConcurrencyShares" : "spec.limited.nominalConcurrencyShares");
}
Value priorityLevelQueues(const Value& level, Now) {
  return numberOrNone(level, "spec.limited.limitResponse.queuing.queues");
}
Value priorityLevelHandSize(const Value& level, Now) {
  return numberOrNone(level, "spec.limited.limitResponse.queuing.handSize");
}
Value priorityLevelQueueLength(const Value& level, Now) {
  return numberOrNone(level, "spec.limited.limitResponse.queuing.queueLengthLimit");
}

constexpr NamedCell kCells[] = {
    {"roleRef", roleRef},
    {"bindingUsers", bindingUsers},
    {"bindingGroups", bindingGroups},
    {"bindingServiceAccounts", bindingServiceAccounts},
    {"quotaRequests", quotaRequests},
    {"quotaLimits", quotaLimits},
    {"priorityClassGlobalDefault", priorityClassGlobalDefault},
    {"webhookCount", webhookCount},
    {"policyMutations", policyMutations},
    {"policyValidations", policyValidations},
    {"policyParamKind", policyParamKind},
    {"policyParamRef", policyParamRef},
    {"apiServiceTarget", apiServiceTarget},
    {"apiServiceAvailable", apiServiceAvailable},
    {"csrSignerName", csrSignerName},
    {"csrDuration", csrDuration},
    {"csrCondition", csrCondition},
    {"flowSchemaDistinguisher", flowSchemaDistinguisher},
    {"flowSchemaMissingLevel", flowSchemaMissingLevel},
    {"priorityLevelShares", priorityLevelShares},
    {"priorityLevelQueues", priorityLevelQueues},
    {"priorityLevelHandSize", priorityLevelHandSize},
    {"priorityLevelQueueLength", priorityLevelQueueLength},
};

}  // namespace

std::span<const NamedCell> controlCells() { return kCells; }

}  // namespace wherry::schema
