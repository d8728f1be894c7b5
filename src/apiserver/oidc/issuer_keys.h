// The keys of an issuer as they were when they were last fetched. They are fetched at the start, when a token comes
// that none of them has signed, and when they are used and an hour old; at no other time, and never more often than
// every ten seconds, whoever asks. Nobody blocks: a thread of its own fetches, and who waits for it is called back,
// after OidcOptions::patience at the latest. Safe from any thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "apiserver/dispatcher.h"
#include "apiserver/flow/deadlines.h"
#include "apiserver/oidc/options.h"
#include "base/clock.h"
#include "base/guarded.h"
#include "base/published.h"
#include "base/queue.h"
#include "pki/key_set.h"

namespace wherry::apiserver {

class IssuerKeys {
 public:
  using Keys = std::shared_ptr<const pki::KeySet>;

  // Outlives the dispatcher, which is used as soon as something is fetched and until stop(). Throws
  // std::invalid_argument when the options name no authority: no server would be refused then.
  IssuerKeys(const OidcOptions& options, const base::Clock& clock, Dispatcher& dispatcher);
  ~IssuerKeys() { stop(); }
  IssuerKeys(const IssuerKeys&) = delete;
  IssuerKeys& operator=(const IssuerKeys&) = delete;

  void start();  // begins to fetch
  Keys load();

  enum class Outlook {
    kWaits,     // `again` will be called, once, from another thread
    kChanged,   // the keys are others than `tried` already
    kHopeless,  // they will stay as they are for now, or too many wait
  };
  Outlook awaitOthers(const Keys& tried, std::function<void()> again);

  // Nothing is fetched any more; who waits is called back.
  void stop();

 private:
  enum class State { kIdle, kFetching, kLate };  // late: it takes too long, and nobody waits for it any more
  struct Fetching {
    State state = State::kIdle;
    std::optional<base::MonotonicTime> began;  // the latest
    std::vector<std::function<void()>> waiters;
  };
  void begin(Fetching& fetching, std::chrono::seconds sinceLast);
  void fetch(const std::stop_token& stop);
  void callBack(State state);

  const OidcOptions options_;
  const base::Clock& clock_;
  Deadlines deadlines_;
  base::Published<pki::KeySet> keys_;
  base::Guarded<Fetching> fetching_;
  base::Queue<bool> wanted_{1};
  std::string failure_;  // why the last fetch failed; empty: it did not. The thread's own.
  std::jthread thread_;
};

}  // namespace wherry::apiserver
