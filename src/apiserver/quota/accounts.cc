#include "apiserver/quota/accounts.h"

#include <algorithm>
#include <atomic>

#include <fmt/format.h>

#include "apiserver/admission/fields.h"
#include "apiserver/quota/usage.h"
#include "apiserver/stored_form.h"
#include "base/strings.h"

namespace wherry::apiserver::quota {
namespace {

constexpr int kMaxTries = 100;  // each means that another writer got through

const meta::GroupResource kQuotas{"", "resourcequotas"};

Resources usageOrNothing(const json::Value& quota, const meta::GroupResource& resource, const json::Value& object) {
  return object.is_null() ? Resources() : usageIn(quota, resource, object);
}

void atLeast(Resources& amounts, const Resources& others) {
  for (const auto& [name, quantity] : others) {
    auto [at, added] = amounts.try_emplace(name, quantity);
    if (!added && at->second < quantity) at->second = quantity;
  }
}

// What `more` has beyond `less`.
Resources excess(const Resources& more, const Resources& less) {
  Resources result;
  for (const auto& [name, quantity] : more) {
    auto other = less.find(name);
    auto difference = other == less.end() ? quantity : quantity - other->second;
    if (!difference.zero() && !difference.negative()) result[name] = difference;
  }
  return result;
}

bool isCounted(const json::Value& quota) {
  const json::Object &hard = objectAt(quota, "spec.hard"), &used = objectAt(quota, "status.used");
  return std::all_of(hard.begin(), hard.end(), [&](const auto& limit) { return used.contains(limit.key()); });
}

[[noreturn]] void refuse(const AdmissionRequest& request, std::string why) {
  throw meta::forbidden(request.kind.resource.groupResource(), request.name, std::move(why));
}

std::string listed(const Resources& amounts, const std::vector<std::string>& names) {
  std::vector<std::string> texts;
  for (const std::string& name : names) {
    auto at = amounts.find(name);
    texts.push_back(name + "=" + (at == amounts.end() ? "0" : at->second.text()));
  }
  return base::join(texts, ",");
}

// Only of these an update can change what it takes; of all others it is one as before.
bool hasAmounts(const meta::GroupResource& resource) {
  return resource.group.empty() && (resource.resource == "pods" || resource.resource == "services" ||
                                    resource.resource == "persistentvolumeclaims");
}

// Not the name: a generated one that is taken changes once more after the charge.
std::string uidOf(const json::Value& object) {
  auto uid = json::getString(object, "metadata.uid");
  return std::string(uid.empty() ? json::getString(object, "metadata.name") : uid);
}

}  // namespace

void Accounts::charge(AdmissionRequest& request) {
  auto resource = request.kind.resource.groupResource();
  if (isIgnored(resource) || (request.old && !hasAmounts(resource))) return;
  std::lock_guard lock(mutex_);
  auto quotas = objects_.list(kQuotas, request.ns);
  if (quotas.empty() && request.old) return;
  Pending pending{std::string(request.ns), resource, request.old ? *request.old : json::Value(), request.object};
  std::vector<Bill> bills;
  for (const meta::ObjectPtr& quota : quotas) {
    bills.push_back(check(request, readCounted(request.ns, *quota), pending));
  }
  if (request.dryRun) return;
  for (const Bill& bill : bills) book(request.ns, bill.name, bill.taken, 1);
  admit(request, std::move(pending), std::move(bills));
}

void Accounts::release(AdmissionRequest& request) {
  auto resource = request.kind.resource.groupResource();
  if (isIgnored(resource) || request.dryRun) return;
  std::lock_guard lock(mutex_);
  Pending pending{std::string(request.ns), resource, request.object, json::Value()};
  std::vector<Bill> bills;
  for (const meta::ObjectPtr& quota : objects_.list(kQuotas, request.ns)) {
    bills.push_back({std::string(quota->metadata().name()), {}, usageIn(quota->tree(), resource, request.object)});
  }
  if (!bills.empty()) admit(request, std::move(pending), std::move(bills));
}

json::Object Accounts::count(std::string_view ns, const json::Value& quota) {
  std::lock_guard lock(mutex_);
  return renderAmounts(countLocked(ns, quota));
}

// REQUIRES: the lock.
uint64_t Accounts::admit(AdmissionRequest& request, Pending pending, std::vector<Bill> bills) {
  uint64_t id = ++lastId_;
  pending_.emplace(id, std::move(pending));
  auto shared = std::make_shared<const std::vector<Bill>>(std::move(bills));
  request.undo.push_back([this, id, shared] { settle(id, *shared, &Bill::taken); });
  request.committed.push_back([this, id, shared] { settle(id, *shared, &Bill::returned); });
  return id;
}

// A write that did not come about gives back what it took, one that did what it no longer uses.
void Accounts::settle(uint64_t id, const std::vector<Bill>& bills, Resources Bill::*part) {
  std::lock_guard lock(mutex_);
  auto pending = pending_.extract(id);
  if (pending.empty()) return;
  for (const Bill& bill : bills) book(pending.mapped().ns, bill.name, bill.*part, -1);
}

// REQUIRES: the lock. The newest state of the quota. It is counted when it never was, limits something new, or is met
// for the first time since the start: who died between a charge and its write left the charge behind.
json::Value Accounts::readCounted(std::string_view ns, const meta::Object& quota) {
  std::string name(quota.metadata().name());
  auto newest = objects_.find(kQuotas, ns, name);
  json::Value tree = newest ? newest->tree() : quota.tree();
  bool known = !counted_.insert(std::string(json::getString(tree, "metadata.uid"))).second;
  if (known && isCounted(tree)) return tree;
  auto recount = [&](json::Value& counted) {
    json::Value before = counted;
    json::Object hard = objectAt(counted, "spec.hard");
    json::Object& status = json::ensureObject(counted.as_object(), "status");
    status["hard"] = std::move(hard);
    status["used"] = renderAmounts(countLocked(ns, counted));
    return !json::equal(before, counted);
  };
  recount(tree);
  replaceStatus(ns, name, recount);
  return tree;
}

Accounts::Bill Accounts::check(AdmissionRequest& request, const json::Value& quota, const Pending& pending) const {
  Resources before = usageOrNothing(quota, pending.resource, pending.before),
            after = usageOrNothing(quota, pending.resource, pending.after);
  Bill bill{std::string(json::getString(quota, "metadata.name")), excess(after, before), excess(before, after)};
  bool newPod = pending.resource == meta::GroupResource{"", "pods"} && !request.old;
  if (std::string missing = newPod ? missingAmounts(quota, request.object) : ""; !missing.empty()) {
    refuse(request, fmt::format("failed quota: {}: must specify {}", bill.name, missing));
  }
  Resources hard = hardOf(quota), used = readResources(objectAt(quota, "status.used"));
  std::vector<std::string> exceeded;
  for (const auto& [name, amount] : bill.taken) {
    if (hard[name] < used[name] + amount) exceeded.push_back(name);
  }
  if (exceeded.empty()) return bill;
  refuse(request, fmt::format("exceeded quota: {}, requested: {}, used: {}, limited: {}", bill.name,
                              listed(bill.taken, exceeded), listed(used, exceeded), listed(hard, exceeded)));
}

// REQUIRES: the lock. Durable objects, and those between the two: an object counts with the most that it may be.
Resources Accounts::countLocked(std::string_view ns, const json::Value& quota) const {
  Resources used;
  for (const auto& [name, limit] : hardOf(quota)) used[name] = limit - limit;
  for (const meta::GroupResource& resource : countedResources(quota)) {
    std::map<std::string, Resources> byUid;
    for (const meta::ObjectPtr& object : objects_.list(resource, ns)) {
      byUid[uidOf(object->tree())] = usageIn(quota, resource, object->tree());
    }
    for (const auto& [id, write] : pending_) {
      if (write.ns != ns || write.resource != resource) continue;
      Resources& amounts = byUid[uidOf(write.after.is_null() ? write.before : write.after)];
      atLeast(amounts, usageOrNothing(quota, resource, write.before));
      atLeast(amounts, usageOrNothing(quota, resource, write.after));
    }
    for (const auto& [uid, amounts] : byUid) add(used, amounts);
  }
  return used;
}

// REQUIRES: the lock. Adds or subtracts what the quota's status has counted already; the rest is counted later.
void Accounts::book(std::string_view ns, const std::string& quota, const Resources& amounts, int sign) {
  if (amounts.empty()) return;
  replaceStatus(ns, quota, [&](json::Value& stored) {
    if (!json::find(stored, "status.used")) return false;
    json::Object& used = json::ensureObject(json::ensureObject(stored.as_object(), "status"), "used");
    Resources now = readResources(used);
    for (const auto& [name, amount] : amounts) {
      auto at = now.find(name);
      if (at == now.end()) continue;
      at->second = sign > 0 ? at->second + amount : at->second - amount;
      if (at->second.negative()) at->second = at->second - at->second;
      used[name] = at->second.text();
    }
    return true;
  });
}

// False when the quota is gone, or `change` wants nothing written. The store decides in the call, so that who holds the
// lock knows at once whether somebody else (a change of spec) got in between.
bool Accounts::replaceStatus(std::string_view ns, const std::string& name,
                             const std::function<bool(json::Value& quota)>& change) {
  std::string key = objectKey(kQuotas, ns, name);
  for (int tries = 0; tries < kMaxTries; ++tries) {
    auto entry = store_.newest(key);
    if (!entry) return false;
    json::Value quota = json::parse(entry->bytes);
    if (!change(quota)) return false;
    auto conflict = std::make_shared<std::atomic<bool>>(false);
    store_.update(key, entry->modified, renderStored(quota), [conflict](const storage::Committed& committed) {
      if (committed.error == storage::WriteError::kConflict) conflict->store(true);
    });
    if (!conflict->load()) return true;
  }
  return false;
}

}  // namespace wherry::apiserver::quota
