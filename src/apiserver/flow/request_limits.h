// How many requests may be under way: in total, of one user, in one namespace; watches and other long ones apart.
// Members of system:masters are let in always, so that a flood can be looked into. Safe from any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "apiserver/admission/admission.h"
#include "base/guarded.h"

namespace wherry::apiserver {

struct RequestLimits {
  size_t requests = 600;
  size_t requestsOfUser = 300;
  size_t requestsOfNamespace = 300;
  size_t watches = 20'000;  // and whatever else lasts: logs that are followed, exec, proxies
  size_t watchesOfUser = 5'000;
  std::chrono::milliseconds requestTime{60'000};  // also the most that `timeout` in a query can ask for
};

class RequestLimiter {
 public:
  explicit RequestLimiter(const RequestLimits& limits) : limits_(limits) {}
  RequestLimiter(const RequestLimiter&) = delete;
  RequestLimiter& operator=(const RequestLimiter&) = delete;

  // Held while the request is under way; empty for those who are not limited.
  class Ticket {
   public:
    Ticket() = default;
    Ticket(RequestLimiter* limiter, std::string user, std::string ns, bool lasting)
        : limiter_(limiter), user_(std::move(user)), ns_(std::move(ns)), lasting_(lasting) {}
    Ticket(Ticket&& other) noexcept { *this = std::move(other); }
    Ticket& operator=(Ticket&& other) noexcept;
    ~Ticket() { release(); }
    void release();

   private:
    RequestLimiter* limiter_ = nullptr;
    std::string user_, ns_;
    bool lasting_ = false;
  };

  // Throws TooManyRequests. `ns` is "" when the request is about none.
  Ticket admit(const User& user, std::string_view ns, bool lasting);

 private:
  struct Counts {
    size_t total = 0;
    std::unordered_map<std::string, size_t> ofUser, ofNamespace;
  };
  void remove(const std::string& user, const std::string& ns, bool lasting);

  const RequestLimits limits_;
  base::Guarded<Counts> short_, lasting_;
};

}  // namespace wherry::apiserver
