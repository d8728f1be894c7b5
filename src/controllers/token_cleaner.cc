#include "controllers/token_cleaner.h"

#include <chrono>

#include "base/encoding.h"
#include "client/workqueue.h"
#include "meta/time.h"

namespace wherry::controllers {

namespace {

using core_v1::Secret;

class TokenCleaner : public Controller {
 public:
  explicit TokenCleaner(ControllerContext& context)
      : context_(context), secrets_(context.informers.informer(Secret::kResource())) {
    secrets_.addHandler({.onChange =
                             [this](const meta::ObjectPtr&, const meta::ObjectPtr& after) {
                               if (after && decideTokenEnd(Secret(after))) queue_.add(after->key().text());
                             },
                         .onSynced = {},
                         .onRevision = {}});
  }

  void start() override {
    loop_.emplace(queue_, [this](const std::string& key) { reconcile(key); });
  }

 private:
  void reconcile(const std::string& key) {
    const Secret secret(secrets_.get(meta::ObjectKey::parse(key)));
    if (!secret) return;
    const auto end = decideTokenEnd(secret);
    if (!end) return;
    const auto left = *end - context_.clock.now();
    if (left > left.zero()) return queue_.addAfter(key, std::chrono::ceil<std::chrono::milliseconds>(left));
    const auto& metadata = secret.metadata();
    // Only as it is known here: it may have been given more time.
    context_.client.remove(Secret::kResource(), metadata.ns(), metadata.name(),
                           {.gracePeriodSeconds = {},
                            .uid = std::string(metadata.uid()),
                            .resourceVersion = std::string(metadata.resourceVersion()),
                            .propagation = {}});
  }

  ControllerContext& context_;
  client::Informer& secrets_;
  client::Workqueue queue_{"token-cleaner-controller"};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

std::optional<base::WallTime> decideTokenEnd(const core_v1::Secret& secret) {
  if (secret.type() != "bootstrap.kubernetes.io/token" || secret.metadata().ns() != "kube-system") return std::nullopt;
  const auto encoded = json::getString(secret.object()->tree(), "data.expiration");
  if (encoded.empty()) return std::nullopt;
  return meta::parseTime(base::decodeBase64(encoded).value_or("")).value_or(base::WallTime());
}

std::unique_ptr<Controller> makeTokenCleaner(ControllerContext& context) {
  return std::make_unique<TokenCleaner>(context);
}

}  // namespace wherry::controllers
