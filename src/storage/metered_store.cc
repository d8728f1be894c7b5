#include "storage/metered_store.h"

#include <chrono>

#include "storage/refusal.h"
#include "storage/watch_hub.h"

namespace wherry::storage {
namespace {

using base::metrics::Counter;
using base::metrics::Family;
using base::metrics::Histogram;

constexpr double kSeconds[] = {0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1,  1.25, 1.5, 2,
                               3,     4,     5,    6,   8,   10,  15,  20,  30, 45,   60};

struct Families {
  Family<Counter> total{"etcd_requests_total", "Writes to the database.", {"operation", "type"}};
  Family<Counter> errors{"etcd_request_errors_total", "Writes that the database refused.", {"operation", "type"}};
  Family<Histogram> duration{"etcd_request_duration_seconds",
                             "How long writes took, until they were durable.",
                             {"operation", "type"},
                             kSeconds};
};

Families& families() {
  static Families all;
  return all;
}

// "deployments.apps" of "/registry/deployments.apps/default/web".
std::string_view typeOf(std::string_view key) {
  std::string_view resource = resourceOf(key);
  if (resource.empty()) return resource;
  resource.remove_suffix(1);
  return resource.substr(resource.rfind('/') + 1);
}

// `done`, counting the write that it ends.
OnCommitted counting(std::string_view operation, std::string_view key, OnCommitted done) {
  auto& all = families();
  std::string_view type = typeOf(key);
  return [&total = all.total.with({operation, type}), &duration = all.duration.with({operation, type}), operation,
          type = std::string(type), start = std::chrono::steady_clock::now(),
          done = std::move(done)](Committed committed) {
    total.add();
    duration.observe(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    if (committed.error == WriteError::kRefused) families().errors.with({operation, type}).add();
    done(std::move(committed));
  };
}

class MeteredStore : public Store, public Refusing {
 public:
  explicit MeteredStore(std::unique_ptr<Store> store) : store_(std::move(store)) {}

  void create(std::string key, Render render, OnCommitted done) override {
    OnCommitted counted = counting("create", key, std::move(done));
    store_->create(std::move(key), std::move(render), std::move(counted));
  }
  void update(std::string key, Revision expected, Render render, OnCommitted done) override {
    OnCommitted counted = counting("update", key, std::move(done));
    store_->update(std::move(key), expected, std::move(render), std::move(counted));
  }
  void remove(std::string key, Revision expected, Render render, OnCommitted done) override {
    OnCommitted counted = counting("delete", key, std::move(done));
    store_->remove(std::move(key), expected, std::move(render), std::move(counted));
  }

  EntryPtr newest(std::string_view key) const override { return store_->newest(key); }
  EntryPtr get(std::string_view key) const override { return store_->get(key); }
  Revision revision() const override { return store_->revision(); }
  size_t count(std::string_view prefix) const override { return store_->count(prefix); }
  PageResult list(std::string_view prefix, std::string_view after, size_t limit, Revision at) const override {
    return store_->list(prefix, after, limit, at);
  }
  bool waitForRevision(Revision wanted, int timeoutMillis) const override {
    return store_->waitForRevision(wanted, timeoutMillis);
  }
  std::unique_ptr<Watch> watch(std::string prefix, Revision from, std::function<void()> wake) override {
    return store_->watch(std::move(prefix), from, std::move(wake));
  }
  std::string refusal() override { return refusalOf(*store_); }

 private:
  std::unique_ptr<Store> store_;
};

}  // namespace

std::unique_ptr<Store> meterStore(std::unique_ptr<Store> store) {
  return std::make_unique<MeteredStore>(std::move(store));
}

std::vector<const base::metrics::FamilyBase*> storeFamilies() {
  auto& all = families();
  return {&all.total, &all.errors, &all.duration};
}

}  // namespace wherry::storage
