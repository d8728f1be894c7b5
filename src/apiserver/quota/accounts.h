// The accounts of ResourceQuotas: status.used of every quota, kept exact by the writes themselves
// (docs/decisions/016-quota.md). Safe from any thread.
//
// A write that takes something is charged before it is decided, in one compare-and-swap of the quota's status, so that
// no two writes find the same room; a write that gives something back is credited once it is durable. What is between
// the two is known here, so that a count from scratch sees it too.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "apiserver/admission/admission.h"
#include "apiserver/admission/pod_resources.h"
#include "storage/store.h"

namespace wherry::apiserver::quota {

class Accounts {
 public:
  Accounts(storage::Store& store, const ObjectReader& objects) : store_(store), objects_(objects) {}
  Accounts(const Accounts&) = delete;
  Accounts& operator=(const Accounts&) = delete;

  // Charges every quota of the namespace; charges and credits are settled by the request's undo and committed. Throws
  // Forbidden: a quota would be exceeded, or can't be kept.
  void charge(AdmissionRequest& request);
  // The object of `request` is on its way out: credits its quotas once it is gone.
  void release(AdmissionRequest& request);

  // What status.used of this quota must be now, counted from scratch.
  json::Object count(std::string_view ns, const json::Value& quota);

 private:
  // A write that is admitted and neither durable nor given up.
  struct Pending {
    std::string ns;
    meta::GroupResource resource;
    json::Value before, after;  // null: not there
  };
  using PendingWrites = std::map<uint64_t, Pending>;
  struct Bill {
    std::string name;  // of the quota
    Resources taken, returned;
  };

  uint64_t admit(AdmissionRequest& request, Pending pending, std::vector<Bill> bills);
  void settle(uint64_t id, const std::vector<Bill>& bills, Resources Bill::*part);
  json::Value readCounted(std::string_view ns, const meta::Object& quota);
  Bill check(AdmissionRequest& request, const json::Value& quota, const Pending& pending) const;
  Resources countLocked(std::string_view ns, const json::Value& quota) const;
  void book(std::string_view ns, const std::string& quota, const Resources& amounts, int sign);
  bool replaceStatus(std::string_view ns, const std::string& name,
                     const std::function<bool(json::Value& quota)>& change);

  storage::Store& store_;
  const ObjectReader& objects_;
  std::mutex mutex_;  // also held over the store's decision of a quota's write, which waits for nothing
  PendingWrites pending_;
  std::set<std::string> counted_;  // uids of quotas that were counted from scratch since the start
  uint64_t lastId_ = 0;
};

}  // namespace wherry::apiserver::quota
