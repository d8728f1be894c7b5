#include <map>

#include "storage/engine.h"

namespace wherry::storage {

namespace {

class MemoryEngine : public Engine {
 public:
  Revision load(const std::function<void(const Row&)>& take) override {
    for (const auto& [created, entry] : rows_) take({entry->key, entry->bytes, created, entry->modified});
    return highWater_;
  }

  void commit(const std::vector<Change>& changes, std::optional<Revision> highWater) override {
    for (const Change& change : changes) {
      if (change.put) {
        rows_[change.created] = change.put;
      } else {
        rows_.erase(change.created);
      }
    }
    highWater_ = highWater.value_or(highWater_);
  }

  void reopen() override {}

 private:
  std::map<Revision, EntryPtr> rows_;  // by revision of creation
  Revision highWater_ = 0;
};

}  // namespace

std::unique_ptr<Engine> openMemoryEngine() { return std::make_unique<MemoryEngine>(); }

std::unique_ptr<Store> openMemoryStore(StoreOptions options) {
  return openStore(std::move(options), openMemoryEngine());
}

}  // namespace wherry::storage
