#include "cli/patience.h"

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>

#include <fmt/format.h>

namespace wherry::cli {

Patience::Patience(std::string what) {
  thread_ = std::jthread([what = std::move(what)](const std::stop_token& stop) {
    constexpr std::chrono::seconds kSilence{2};
    std::mutex mutex;
    std::condition_variable_any ended;
    std::unique_lock lock(mutex);
    for (auto waited = kSilence; !ended.wait_for(lock, stop, kSilence, [] { return false; }); waited += kSilence) {
      if (stop.stop_requested()) return;
      fmt::print(stderr, "{:5.1f} s  still {}\n", std::chrono::duration<double>(waited).count(), what);
    }
  });
}

Patience::~Patience() = default;

}  // namespace wherry::cli
