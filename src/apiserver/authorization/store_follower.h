// Follows a part of the store without a thread: whoever needs what was made of it calls catchUp() first, which costs a
// comparison while nothing has happened, and otherwise takes in what did. An acknowledged write is always taken in: the
// store wakes its watches before it acknowledges.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "storage/store.h"

namespace wherry::apiserver {

// Safe from any thread; the functions are called one at a time.
class StoreFollower {
 public:
  struct Reactions {
    std::function<void()> clear;  // all that was known is void; everything there is follows
    // A null entry: the key is gone.
    std::function<void(const std::string& key, const storage::EntryPtr& entry)> take;
    std::function<void()> publish;  // after some of the above: make it visible
  };
  StoreFollower(storage::Store& store, std::string prefix, Reactions reactions);

  void catchUp();

 private:
  void takeIn();
  void startOver();

  storage::Store& store_;
  std::string prefix_;
  Reactions reactions_;
  std::atomic<uint64_t> happened_{1};  // counted by the store
  std::atomic<uint64_t> takenIn_{0};   // what it was before the last look
  std::mutex mutex_;                   // of whoever takes in; also guards watch_
  std::unique_ptr<storage::Watch> watch_;
};

}  // namespace wherry::apiserver
