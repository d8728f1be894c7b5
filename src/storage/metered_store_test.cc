#include "storage/metered_store.h"

#include "base/metrics_test_support.h"
#include "storage/engine.h"
#include "storage/refusal.h"
#include "storage/store_test_support.h"

namespace wherry::storage {
namespace {

double value(const std::string& series) { return base::metrics::valueOf(storeFamilies(), series); }

TEST(MeteredStore, CountsWritesByOperationAndType) {
  auto store = meterStore(openMemoryStore({}));
  Committed made = create(*store, "/registry/boats.sea.io/default/a");
  create(*store, "/registry/boats.sea.io/default/b");
  create(*store, "/registry/boats.sea.io/default/b");  // there already: also a request
  Committed changed = update(*store, "/registry/boats.sea.io/default/a", made.entry->modified);
  remove(*store, "/registry/boats.sea.io/default/a", changed.entry->modified);
  store->get("/registry/boats.sea.io/default/b");
  store->list("/registry/boats.sea.io/", "", 0, 0);
  EXPECT_EQ(value(R"(etcd_requests_total{operation="create",type="boats.sea.io"})"), 3);
  EXPECT_EQ(value(R"(etcd_requests_total{operation="update",type="boats.sea.io"})"), 1);
  EXPECT_EQ(value(R"(etcd_requests_total{operation="delete",type="boats.sea.io"})"), 1);
  EXPECT_EQ(value(R"(etcd_request_duration_seconds_count{operation="create",type="boats.sea.io"})"), 3);
  EXPECT_EQ(value(R"(etcd_request_errors_total{operation="create",type="boats.sea.io"})"), 0);
}

class FullEngine : public Engine {
 public:
  Revision load(const std::function<void(const Row&)>&) override { return 0; }
  void commit(const std::vector<Change>&, std::optional<Revision>) override { throw EngineError("disk full"); }
  void reopen() override {}
};

TEST(MeteredStore, CountsWhatTheDatabaseRefuses) {
  auto store = meterStore(openStore({}, std::make_unique<FullEngine>()));
  EXPECT_EQ(errorName(create(*store, "/registry/refused/default/a").error), "refused");
  EXPECT_EQ(value(R"(etcd_requests_total{operation="create",type="refused"})"), 1);
  EXPECT_EQ(value(R"(etcd_request_errors_total{operation="create",type="refused"})"), 1);
  EXPECT_EQ(refusalOf(*store), "disk full");
}

}  // namespace
}  // namespace wherry::storage
