#include "apiserver/pod_dial.h"

#include <utility>

#include <fmt/format.h>

#include "meta/status.h"

namespace wherry::apiserver {

void dialPod(const ForwardTarget& target, uint16_t port, OnPodDialed done) {
  try {
    target.node->dial(target.ns, target.pod, target.podUid, port,
                      [port, done](std::shared_ptr<client::ByteStream> stream, const std::string& error) {
                        done(std::move(stream), fmt::format("dial tcp4 127.0.0.1:{}: {}", port, error));
                      });
  } catch (const meta::StatusError& error) {
    done(nullptr, error.message());
  }
}

}  // namespace wherry::apiserver
