// Admission: what is done to an object on its way into the store beyond what its schema can say. A hook is a few free
// functions: the rules of a kind, named in its YAML (`hooks: [service]`), or a plugin for many kinds. chain.cc lists
// both, in order.
//
// Order for a write: decode, prune, schema defaults, prepare of all, schema validation, validate of all, check of all,
// reserve of all, commit. Hooks run on the request's thread and must not block.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ip_address.h"
#include "json/value.h"
#include "meta/object.h"
#include "meta/status.h"
#include "schema/kind.h"

namespace wherry::apiserver {

namespace quota {
class Accounts;
}

enum class Operation { kCreate, kUpdate, kDelete };

struct User {
  std::string name;
  std::vector<std::string> groups;
  std::string uid;
  std::map<std::string, std::vector<std::string>> extra = {};
};

// Other objects, as a hook may need them (a namespace, its LimitRanges, a ServiceAccount): the newest state.
class ObjectReader {
 public:
  virtual ~ObjectReader() = default;
  virtual meta::ObjectPtr find(const meta::GroupResource& resource, std::string_view ns,
                               std::string_view name) const = 0;
  virtual std::vector<meta::ObjectPtr> list(const meta::GroupResource& resource, std::string_view ns) const = 0;
};

// Cluster IPs and node ports: taken in memory at once, so that two requests never get the same one.
class ServiceAllocations {
 public:
  virtual ~ServiceAllocations() = default;
  // Those that cluster IPs can have: one or two, the default first.
  virtual const std::vector<base::IpFamily>& families() const = 0;
  virtual std::string allocateIp(base::IpFamily family) = 0;  // throws StatusError when the range is full
  enum class Take { kTaken, kInUse, kOutOfRange };
  virtual Take takeIp(std::string_view ip) = 0;
  virtual void releaseIp(std::string_view ip) = 0;
  // A node port is one number for all protocols of one service port number, as upstream allocates it.
  virtual int allocatePort() = 0;
  virtual Take takePort(int port) = 0;
  virtual void releasePort(int port) = 0;
};

struct AdmissionRequest {
  const schema::Kind& kind;
  Operation operation;
  std::string_view subresource;  // "" or "status", "ephemeralcontainers", ...
  std::string_view ns;
  std::string_view name;
  const User& user;
  bool dryRun;
  json::Value& object;     // to be stored; for kDelete the stored one, unchanged
  const json::Value* old;  // null on create
  const ObjectReader& objects;
  ServiceAllocations& allocations;
  const base::Clock& clock;

  // Run when the write does not come about (conflict, error, dry run): gives back what was taken.
  std::vector<std::function<void()>> undo;
  // Run once the write is durable: gives back what is no longer used.
  std::vector<std::function<void()>> committed;
  std::vector<std::string> warnings;  // sent as Warning headers

  quota::Accounts* quotas = nullptr;  // null: nobody counts
  std::map<std::string, std::string> auditAnnotations = {};
};

struct AdmissionHook {
  std::string_view name;
  void (*prepare)(AdmissionRequest&);                             // may be null
  void (*validate)(const AdmissionRequest&, meta::FieldErrors&);  // may be null; may throw StatusError (403, 409)
  // Last, once nothing else can refuse the object: takes what is scarce (addresses, ports, quota). May throw
  // StatusError.
  void (*reserve)(AdmissionRequest&) = nullptr;
  // Once the object is valid: what upstream's validating plugins do. May warn, may throw StatusError (403).
  void (*check)(AdmissionRequest&) = nullptr;
};

// All that a write to this kind goes through, in order.
std::vector<const AdmissionHook*> admissionChain(const schema::Kind& kind);

// Those that kinds name in their YAML. Null when no hook has this name.
const AdmissionHook* findHook(std::string_view name);
std::vector<std::string_view> hookNames();

}  // namespace wherry::apiserver
