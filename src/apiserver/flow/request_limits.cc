#include "apiserver/flow/request_limits.h"

#include <utility>

#include "apiserver/authentication.h"
#include "meta/status.h"

namespace wherry::apiserver {
namespace {

// The words that clients have for this answer.
constexpr const char* kTooMany = "the server has received too many requests and has asked us to try again later";
constexpr int kRetryAfterSeconds = 1;

size_t countOf(const std::unordered_map<std::string, size_t>& counts, const std::string& key) {
  auto at = counts.find(key);
  return at == counts.end() ? 0 : at->second;
}

void countDown(std::unordered_map<std::string, size_t>& counts, const std::string& key) {
  auto at = counts.find(key);
  if (at != counts.end() && --at->second == 0) counts.erase(at);
}

}  // namespace

RequestLimiter::Ticket& RequestLimiter::Ticket::operator=(Ticket&& other) noexcept {
  if (this == &other) return *this;
  release();
  limiter_ = std::exchange(other.limiter_, nullptr);
  user_ = std::move(other.user_);
  ns_ = std::move(other.ns_);
  lasting_ = other.lasting_;
  return *this;
}

void RequestLimiter::Ticket::release() {
  if (auto* limiter = std::exchange(limiter_, nullptr)) limiter->remove(user_, ns_, lasting_);
}

RequestLimiter::Ticket RequestLimiter::admit(const User& user, std::string_view ns, bool lasting) {
  if (inGroup(user, kMasters)) return {};
  std::string space(lasting ? "" : ns);
  bool added = (lasting ? lasting_ : short_).with([&](Counts& counts) {
    size_t most = lasting ? limits_.watches : limits_.requests;
    size_t mostOfUser = lasting ? limits_.watchesOfUser : limits_.requestsOfUser;
    if (counts.total >= most || countOf(counts.ofUser, user.name) >= mostOfUser) return false;
    if (!space.empty() && countOf(counts.ofNamespace, space) >= limits_.requestsOfNamespace) return false;
    ++counts.total;
    ++counts.ofUser[user.name];
    if (!space.empty()) ++counts.ofNamespace[space];
    return true;
  });
  if (!added) throw meta::tooManyRequests(kTooMany, kRetryAfterSeconds);
  return {this, user.name, std::move(space), lasting};
}

void RequestLimiter::remove(const std::string& user, const std::string& ns, bool lasting) {
  (lasting ? lasting_ : short_).with([&](Counts& counts) {
    --counts.total;
    countDown(counts.ofUser, user);
    countDown(counts.ofNamespace, ns);
  });
}

}  // namespace wherry::apiserver
