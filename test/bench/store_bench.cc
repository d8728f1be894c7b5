// What the store does a second: durable creates by closed-loop producers, point reads, pages of a large list.
//
//   store_bench [DIRECTORY]     the database is made there (default: the current one) and removed afterwards
//
// Each figure is measured on its own store; prints one line a figure.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "storage/store.h"

namespace {

using namespace wherry::storage;
using SteadyClock = std::chrono::steady_clock;

constexpr auto kMeasured = std::chrono::seconds(3);
constexpr size_t kObjectBytes = 1024;
constexpr size_t kManyObjects = 150'000;

class TemporaryStore {
 public:
  explicit TemporaryStore(const std::string& directory) : directory_(directory + "/store-bench") {
    std::filesystem::create_directories(directory_);
    store_ = openSqliteStore({.path = directory_ + "/state.db"});
  }
  ~TemporaryStore() {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }
  Store* operator->() { return store_.get(); }
  Store& operator*() { return *store_; }

 private:
  std::string directory_;
  std::unique_ptr<Store> store_;
};

std::string podKey(size_t number) { return fmt::format("/registry/pods/namespace-{}/pod-{:07}", number % 100, number); }

void createPod(Store& store, size_t number, OnCommitted done) {
  store.create(
      podKey(number), [](Revision) { return std::string(kObjectBytes, 'x'); }, std::move(done));
}

double secondsSince(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

void benchCreates(const std::string& directory, int producers) {
  TemporaryStore store(directory);
  std::atomic<size_t> next{0};
  auto start = SteadyClock::now();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < producers; ++i) {
      threads.emplace_back([&] {
        std::binary_semaphore done{0};
        while (SteadyClock::now() - start < kMeasured) {
          createPod(*store, next++, [&](const Committed&) { done.release(); });
          done.acquire();
        }
      });
    }
  }
  fmt::print("create, {:>2} producers: {:>8.0f} /s\n", producers, next / secondsSince(start));
}

void fill(Store& store, size_t objects) {
  std::counting_semaphore<> room{1000};
  for (size_t i = 0; i < objects; ++i) {
    room.acquire();
    createPod(store, i, [&](const Committed&) { room.release(); });
  }
  for (int i = 0; i < 1000; ++i) room.acquire();
}

// Reads keys that lie `step` apart, out of the first `keys`.
void benchGet(Store& store, size_t objects, size_t step) {
  constexpr size_t kReads = 2'000'000;
  std::vector<std::string> keys;
  for (size_t i = 0; i < objects; ++i) keys.push_back(podKey(i));
  size_t found = 0;
  auto start = SteadyClock::now();
  for (size_t i = 0; i < kReads; ++i) found += store.get(keys[i * step % objects]) ? 1 : 0;
  fmt::print("get, {:>6} of {} in turn: {:>6.0f} ns ({} found)\n", objects, kManyObjects,
             secondsSince(start) / kReads * 1e9, found);
}

void benchList(Store& store) {
  size_t pages = 0;
  std::string after;
  auto start = SteadyClock::now();
  while (secondsSince(start) < 1) {
    PageResult result = store.list("/registry/pods/", after, 500, 0);
    after = result.page.more ? result.page.entries.back()->key : "";
    ++pages;
  }
  fmt::print("list 500 of {}: {:>6.1f} us a page\n", kManyObjects, secondsSince(start) / pages * 1e6);
  start = SteadyClock::now();
  size_t all = store.list("/registry/pods/", "", 0, 0).page.entries.size();
  fmt::print("list all {}: {:>6.1f} ms\n", all, secondsSince(start) * 1e3);
}

// The longest that a GET takes while another thread lists everything again and again.
void benchGetDuringList(Store& store) {
  std::jthread lister([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) store.list("/registry/pods/", "", 0, 0);
  });
  double longest = 0;
  auto start = SteadyClock::now();
  for (size_t i = 0; secondsSince(start) < 2; ++i) {
    auto before = SteadyClock::now();
    store.get(podKey(i % kManyObjects));
    longest = std::max(longest, secondsSince(before));
  }
  fmt::print("get while all are listed, longest: {:>6.2f} ms\n", longest * 1e3);
}

}  // namespace

int main(int argc, char** argv) {
  std::string directory = argc > 1 ? argv[1] : ".";
  for (int producers : {1, 16, 64}) benchCreates(directory, producers);
  TemporaryStore store(directory);
  auto start = SteadyClock::now();
  fill(*store, kManyObjects);
  fmt::print("create, 1000 in flight: {:>8.0f} /s\n", kManyObjects / secondsSince(start));
  benchGet(*store, 500, 1);
  benchGet(*store, kManyObjects, 7919);
  benchList(*store);
  benchGetDuringList(*store);
  return 0;
}
