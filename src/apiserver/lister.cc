#include "apiserver/lister.h"

#include <fmt/format.h>

#include "apiserver/field_labels.h"
#include "apiserver/stored_form.h"

namespace wherry::apiserver {
namespace {

constexpr std::chrono::seconds kMaxWait{3};  // as upstream's watch cache

constexpr auto kPageExpired =
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list.";

meta::StatusError tooLarge(storage::Revision wanted, storage::Revision current) {
  auto error = meta::timeout(fmt::format("Too large resource version: {}, current: {}", wanted, current));
  json::Object cause{{"reason", "ResourceVersionTooLarge"}, {"message", "Too large resource version"}};
  error.withDetails({{"causes", json::Array{std::move(cause)}}});
  error.withRetryAfter(1);
  return error;
}

class Collector {
 public:
  Collector(const Backend& backend, const schema::Kind& kind, std::string_view ns, const ListOptions& options)
      : backend_(backend),
        kind_(kind),
        options_(options),
        resourcePrefix_(resourcePrefix(storedResource(kind))),
        prefix_(collectionPrefix(storedResource(kind), ns)) {}

  Listing collect() {
    start();
    // One page is enough without selectors; with them, pages are read until enough entries match.
    for (;;) {
      auto page = readPage();
      listing_.revision = page.revision;
      at_ = page.more ? page.revision : at_;
      if (takePage(page) || !page.more) break;
      after_ = page.entries.back()->key;
    }
    return std::move(listing_);
  }

 private:
  void start() {
    if (options_.match == VersionMatch::kExact) at_ = options_.revision;
    // Kubernetes reads "limit with an exact-looking revision" as that very revision, but for 0.
    bool legacyExact = options_.match == VersionMatch::kUnset && options_.limit > 0 && options_.revision > 0;
    if (legacyExact) at_ = options_.revision;
    if (options_.continueToken.empty()) return;
    auto continuation = decodeContinuation(options_.continueToken);
    at_ = continuation.revision > 0 ? continuation.revision : 0;
    after_ = prefix_ + continuation.after;
    continued_ = true;
  }

  storage::Page readPage() const {
    auto result = backend_.store.list(prefix_, after_, options_.limit, at_);
    if (result.error == storage::ReadError::kNone) return std::move(result.page);
    if (result.error == storage::ReadError::kFuture) throw tooLarge(at_, backend_.store.revision());
    if (continued_) {
      throw PageExpired(encodeContinuation({Continuation::kNewest, after_.substr(prefix_.size())}));
    }
    throw meta::expired("The resourceVersion for the provided list is too old.");
  }

  bool matches(const storage::Entry& entry) const {
    return matchesLabels(options_.labels, entry) && matchesFields(kind_, options_.fields, resourcePrefix_, entry);
  }

  // True when the limit is reached.
  bool takePage(storage::Page& page) {
    bool selective = !options_.labels.isEverything() || !options_.fields.empty();
    for (size_t i = 0; i < page.entries.size(); ++i) {
      auto& entry = page.entries[i];
      if (selective && !matches(*entry)) continue;
      listing_.entries.push_back(entry);
      if (options_.limit == 0 || listing_.entries.size() < options_.limit) continue;
      bool last = i + 1 == page.entries.size() && !page.more;
      if (!last) continueAfter(*entry, page);
      if (!last && !selective) listing_.remaining = page.remaining;
      return true;
    }
    return false;
  }

  void continueAfter(const storage::Entry& entry, const storage::Page& page) {
    listing_.continueToken = encodeContinuation({page.revision, entry.key.substr(prefix_.size())});
  }

  const Backend& backend_;
  const schema::Kind& kind_;
  const ListOptions& options_;
  std::string resourcePrefix_;
  std::string prefix_;
  std::string after_;
  storage::Revision at_ = 0;
  bool continued_ = false;
  Listing listing_;
};

class RevisionWait : public std::enable_shared_from_this<RevisionWait> {
 public:
  RevisionWait(Backend& backend, storage::Revision wanted, OnReady ready)
      : backend_(backend), wanted_(wanted), ready_(std::move(ready)) {}

  void start() {
    backend_.dispatcher.post([self = shared_from_this()] { self->begin(); });
  }

 private:  // all on the dispatcher's thread
  void begin() {
    watch_ = backend_.store.watch("/registry/", backend_.store.revision(), [weak = weak_from_this()] {
      if (auto self = weak.lock()) self->backend_.dispatcher.post([self] { self->check(); });
    });
    backend_.dispatcher.after(kMaxWait, [self = shared_from_this()] { self->giveUp(); });
    check();
  }

  void check() {
    if (!ready_ || !watch_) return;
    bool expired = false;
    while (!watch_->poll(1000, expired).empty()) {
    }
    if (backend_.store.revision() >= wanted_) answer(std::nullopt);
  }

  void giveUp() {
    if (ready_) answer(tooLarge(wanted_, backend_.store.revision()));
  }

  void answer(std::optional<meta::StatusError> error) {
    auto ready = std::exchange(ready_, nullptr);
    watch_.reset();
    ready(std::move(error));
  }

  Backend& backend_;
  storage::Revision wanted_;
  OnReady ready_;
  std::unique_ptr<storage::Watch> watch_;
};

}  // namespace

PageExpired::PageExpired(std::string token)
    : StatusError(meta::expired(kPageExpired)), continueToken(std::move(token)) {}

Listing listEntries(const Backend& backend, const schema::Kind& kind, std::string_view ns, const ListOptions& options) {
  return Collector(backend, kind, ns, options).collect();
}

void awaitRevision(Backend& backend, storage::Revision wanted, OnReady ready) {
  if (wanted <= backend.store.revision()) return ready(std::nullopt);
  std::make_shared<RevisionWait>(backend, wanted, std::move(ready))->start();
}

}  // namespace wherry::apiserver
