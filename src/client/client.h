// Client: how every component reads and writes API objects. One interface, two implementations: in-process (straight
// into the API server, apiserver/local_client.h) and HTTPS (client/https_client.h, for remote nodes and the CLI).
//
// Safe from any thread; calls block. Every failure is a meta::StatusError, whichever way it came. Typed forms take a
// view generated from api/ (schema/view.h): `client.get<core_v1::Pod>("default", "web")`.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"
#include "meta/gvk.h"
#include "meta/object.h"
#include "meta/status.h"

namespace wherry::client {

struct ListOptions {
  std::string labelSelector;
  std::string fieldSelector;
  std::string resourceVersion;
};

struct ObjectList {
  std::vector<meta::ObjectPtr> items;  // with apiVersion and kind
  int64_t revision = 0;
};

enum class PatchType { kJson, kMerge, kStrategic, kApply };

enum class Propagation { kBackground, kForeground, kOrphan };

struct DeleteOptions {
  std::optional<int64_t> gracePeriodSeconds;
  std::string uid;              // precondition: only this very object
  std::string resourceVersion;  // precondition
  std::optional<Propagation> propagation;
};

struct WriteOptions {
  std::string subresource;   // "status", "scale", "binding", ...
  std::string fieldManager;  // for kApply required
  bool force = false;        // kApply
};

enum class EventType { kAdded, kModified, kDeleted, kBookmark };

struct WatchEvent {
  EventType type;
  meta::ObjectPtr object;  // null for kBookmark
  int64_t revision = 0;
};

// A running watch. Destroying it ends it. Used from one thread at a time; `wake` comes from any.
class Watch {
 public:
  virtual ~Watch() = default;
  // The next event, waiting for it without a time-out; nothing when `stop` was requested. Throws StatusError (410
  // Expired: list again; anything else: the connection is lost, watch again from the last revision).
  virtual std::optional<WatchEvent> next(std::stop_token stop) = 0;
  // The same without waiting: an event that is there now, or nothing. Throws as next() does. An empty answer arms
  // `wake`.
  virtual std::optional<WatchEvent> tryNext() = 0;
  // `wake` is called once after each empty tryNext(), as soon as another tryNext() would answer or throw: so one thread
  // follows many watches. Must be quick. REQUIRES: set before the first tryNext().
  virtual void onReady(std::function<void()> wake) = 0;
};

class Client {
 public:
  virtual ~Client() = default;

  // `ns` empty: a cluster-scoped object, or a list over all namespaces.
  virtual meta::ObjectPtr get(const meta::Resource& resource, std::string_view ns, std::string_view name) = 0;
  virtual ObjectList list(const meta::Resource& resource, std::string_view ns, const ListOptions& options = {}) = 0;
  virtual std::unique_ptr<Watch> watch(const meta::Resource& resource, std::string_view ns,
                                       const ListOptions& options) = 0;

  virtual meta::ObjectPtr create(const meta::Resource& resource, std::string_view ns, const json::Value& object,
                                 const WriteOptions& options = {}) = 0;
  // Replaces; object.metadata.resourceVersion, when set, must be the stored one (409 Conflict). metadata.name is the
  // name.
  virtual meta::ObjectPtr update(const meta::Resource& resource, std::string_view ns, const json::Value& object,
                                 const WriteOptions& options = {}) = 0;
  virtual meta::ObjectPtr patch(const meta::Resource& resource, std::string_view ns, std::string_view name,
                                PatchType type, const json::Value& patch, const WriteOptions& options = {}) = 0;
  virtual void remove(const meta::Resource& resource, std::string_view ns, std::string_view name,
                      const DeleteOptions& options = {}) = 0;
  // POST to a subresource of an existing object ("binding", "eviction", "token"); answers what the server does.
  virtual meta::ObjectPtr createSubresource(const meta::Resource& resource, std::string_view ns, std::string_view name,
                                            std::string_view subresource, const json::Value& object) = 0;

  // The same with a view V (V::kResource names the resource; V is made from the ObjectPtr and keeps it alive).
  template <typename V>
  V get(std::string_view ns, std::string_view name) {
    return V(get(V::kResource(), ns, name));
  }
  template <typename V>
  V create(std::string_view ns, const json::Value& object) {
    return V(create(V::kResource(), ns, object));
  }
};

}  // namespace wherry::client
