#include "storage/transformed_engine.h"

#include "base/log.h"

namespace wherry::storage {
namespace {

const base::Log& log() {
  static const base::Log kLog("storage");
  return kLog;
}

class TransformedEngine : public Engine {
 public:
  TransformedEngine(std::unique_ptr<Engine> engine, ValueTransformer transformer)
      : engine_(std::move(engine)), transformer_(std::move(transformer)) {}

  Revision load(const std::function<void(const Row&)>& take) override {
    return engine_->load([&](const Row& row) {
      auto plain = transformer_.fromDisk(row.key, row.bytes);
      if (!plain) log().error("{} can't be decrypted: reads of it fail until its key is configured", row.key);
      take({row.key, plain ? std::string_view(*plain) : row.bytes, row.created, row.modified});
    });
  }

  void commit(const std::vector<Change>& changes, std::optional<Revision> highWater) override {
    std::vector<Change> transformed = changes;
    for (Change& change : transformed) {
      if (change.put && !transformer_.isUnread(change.put->bytes)) change.put = onDisk(*change.put);
    }
    engine_->commit(transformed, highWater);
  }

  void reopen() override { engine_->reopen(); }

 private:
  EntryPtr onDisk(const Entry& entry) const {
    auto sealed = std::make_shared<Entry>();
    sealed->key = entry.key;
    sealed->bytes = transformer_.toDisk(entry.key, entry.bytes);
    sealed->created = entry.created;
    sealed->modified = entry.modified;
    return sealed;
  }

  std::unique_ptr<Engine> engine_;
  ValueTransformer transformer_;
};

}  // namespace

std::unique_ptr<Engine> transformEngine(std::unique_ptr<Engine> engine, ValueTransformer transformer) {
  return std::make_unique<TransformedEngine>(std::move(engine), std::move(transformer));
}

}  // namespace wherry::storage
