#include "apiserver/oidc/issuer_keys.h"

#include <stdexcept>

#include "apiserver/oidc/issuer_document.h"
#include "base/log.h"

namespace wherry::apiserver {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds kBetweenFetches = 10s;
constexpr std::chrono::seconds kGoodFor = 1h;  // then a key that was withdrawn is one no longer
constexpr size_t kMostWaiting = 256;

const base::Log& log() {
  static const base::Log kLog("oidc");
  return kLog;
}

}  // namespace

IssuerKeys::IssuerKeys(const OidcOptions& options, const base::Clock& clock, Dispatcher& dispatcher)
    : options_(options), clock_(clock), deadlines_(dispatcher) {
  if (options_.caPem.empty()) throw std::invalid_argument("no authority for the issuer's certificate");
  thread_ = std::jthread([this](const std::stop_token& stop) {
    while (wanted_.pop(stop)) fetch(stop);
  });
}

void IssuerKeys::start() {
  fetching_.with([&](Fetching& fetching) { begin(fetching, kBetweenFetches); });
}

void IssuerKeys::stop() {
  if (!thread_.joinable()) return;
  wanted_.close();
  thread_.request_stop();
  thread_.join();
  callBack(State::kIdle);
}

IssuerKeys::Keys IssuerKeys::load() {
  auto keys = keys_.load();
  fetching_.with([&](Fetching& fetching) { begin(fetching, kGoodFor); });
  return keys;
}

// REQUIRES: the lock.
void IssuerKeys::begin(Fetching& fetching, std::chrono::seconds sinceLast) {
  auto now = clock_.monotonicNow();
  if (fetching.state != State::kIdle || (fetching.began && now < *fetching.began + sinceLast)) return;
  if (!wanted_.tryPush(true)) return;  // stopped
  fetching.state = State::kFetching;
  fetching.began = now;
}

IssuerKeys::Outlook IssuerKeys::awaitOthers(const Keys& tried, std::function<void()> again) {
  return fetching_.with([&](Fetching& fetching) {
    if (keys_.load() != tried) return Outlook::kChanged;
    begin(fetching, kBetweenFetches);
    if (fetching.state != State::kFetching || fetching.waiters.size() >= kMostWaiting) return Outlook::kHopeless;
    fetching.waiters.push_back(std::move(again));
    return Outlook::kWaits;
  });
}

// The fetch that is under way is over, or late.
void IssuerKeys::callBack(State state) {
  auto waiters = fetching_.with([&](Fetching& fetching) {
    if (fetching.state != State::kIdle) fetching.state = state;  // it may be over before we hear that it is late
    return std::exchange(fetching.waiters, {});
  });
  for (const auto& again : waiters) again();
}

void IssuerKeys::fetch(const std::stop_token& stop) {
  std::stop_source end;
  std::stop_callback stopped(stop, [&] { end.request_stop(); });
  auto deadline = deadlines_.add(options_.patience, [this, end]() mutable {
    end.request_stop();
    callBack(State::kLate);
  });
  try {
    keys_.publish(fetchIssuerKeys(options_, end.get_token()));
    failure_.clear();
    log().info("{} keys of {} fetched", keys_.load()->size(), options_.issuerUrl);
  } catch (const std::exception& error) {
    if (failure_ != error.what() && !stop.stop_requested()) {
      log().warn("can't fetch the keys of {}, without which its tokens are refused: {}", options_.issuerUrl,
                 error.what());
    }
    failure_ = error.what();
  }
  deadline.release();
  callBack(State::kIdle);
}

}  // namespace wherry::apiserver
