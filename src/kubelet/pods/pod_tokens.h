// The ServiceAccount tokens in a pod's projected volumes: each is asked for once, and again before it ends. Used by the
// pod's worker alone.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "views/core_v1.h"

namespace wherry::kubelet {

struct IssuedToken {
  std::string text;
  base::WallTime end;
};

// When a token is asked for again: once it is older than four fifths of its life, or than a day. Pure.
base::WallTime decideRenewal(base::WallTime issued, base::WallTime end);

class PodTokens {
 public:
  using Projection = core_v1::ServiceAccountTokenProjection;
  // Asks the API server; throws StatusError when there is none to be had.
  using Request = std::function<IssuedToken(const Projection& wanted)>;

  // When there is none to be had: the former token, as long as it is valid, or nothing; asked again a minute later.
  std::optional<std::string> get(const Projection& wanted, base::WallTime now, const Request& request);

  // When the volumes need another look; nothing when none has a token.
  std::optional<base::WallTime> nextRenewal() const;

 private:
  struct Held {
    IssuedToken token;
    base::WallTime renewal;
  };
  std::map<std::string, Held> held_;  // by audience and life
};

}  // namespace wherry::kubelet
