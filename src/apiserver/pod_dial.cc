#include "apiserver/pod_dial.h"

#include <utility>

#include "meta/status.h"

namespace wherry::apiserver {

void dialPod(const ForwardTarget& target, uint16_t port, const client::OnDialed& done) {
  try {
    target.node->dial(target.ns, target.pod, target.podUid, port, done);
  } catch (const meta::StatusError& error) {
    done(nullptr, error.message());
  }
}

}  // namespace wherry::apiserver
