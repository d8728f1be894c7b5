#include "controllers/token_secrets.h"

#include "base/encoding.h"
#include "client/workqueue.h"
#include "meta/status.h"

namespace wherry::controllers {

namespace {

using core_v1::Secret;
using core_v1::ServiceAccount;

constexpr std::string_view kType = "kubernetes.io/service-account-token";
constexpr std::string_view kName = "kubernetes.io/service-account.name";
constexpr std::string_view kUid = "kubernetes.io/service-account.uid";
// The longest that a token may be asked for: it ends with its Secret.
constexpr int64_t kSeconds = int64_t{1} << 32;

std::string_view annotationOf(const Secret& secret, std::string_view name) {
  const auto* annotations = json::find(secret.object()->tree(), "metadata.annotations");
  const auto* value = annotations && annotations->is_object() ? annotations->get_object().if_contains(name) : nullptr;
  return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

bool hasData(const Secret& secret, std::string_view name) {
  const auto* data = json::find(secret.object()->tree(), "data");
  return data && data->is_object() && data->get_object().contains(name);
}

class TokenSecretController : public Controller {
 public:
  explicit TokenSecretController(ControllerContext& context)
      : context_(context),
        secrets_(context.informers.informer(Secret::kResource())),
        accounts_(context.informers.informer(ServiceAccount::kResource())) {
    secrets_.addHandler({.onChange =
                             [this](const meta::ObjectPtr&, const meta::ObjectPtr& after) {
                               if (after && Secret(after).type() == kType) queue_.add(after->key().text());
                             },
                         .onSynced = {},
                         .onRevision = {}});
    accounts_.addHandler({.onChange =
                              [this](const meta::ObjectPtr& before, const meta::ObjectPtr& after) {
                                if (!before || !after) addSecretsOf((after ? after : before)->key());
                              },
                          .onSynced = {},
                          .onRevision = {}});
  }

  void start() override {
    loop_.emplace(queue_, [this](const std::string& key) { reconcile(key); });
  }

 private:
  void addSecretsOf(const meta::ObjectKey& account) {
    for (const auto& object : secrets_.list()) {
      const Secret secret(object);
      if (secret.type() != kType || secret.metadata().ns() != account.ns) continue;
      if (annotationOf(secret, kName) == account.name) queue_.add(object->key().text());
    }
  }

  void reconcile(const std::string& key) {
    const Secret secret(secrets_.get(meta::ObjectKey::parse(key)));
    if (!secret || secret.type() != kType) return;
    switch (decideTokenSecret(secret, accountOf(secret))) {
      case TokenSecretStep::kNothing:
        return;
      case TokenSecretStep::kFill:
        return fill(secret);
      case TokenSecretStep::kRemove:
        return remove(secret);
    }
  }

  // As it is now: what this process has heard of may be older than the Secret.
  ServiceAccount accountOf(const Secret& secret) {
    try {
      return context_.client.get<ServiceAccount>(secret.metadata().ns(), annotationOf(secret, kName));
    } catch (const meta::StatusError& error) {
      if (!error.isNotFound()) throw;
      return ServiceAccount(nullptr);
    }
  }

  void fill(const Secret& secret) {
    const auto& metadata = secret.metadata();
    const auto account = annotationOf(secret, kName);
    const json::Object bound{
        {"kind", "Secret"}, {"apiVersion", "v1"}, {"name", metadata.name()}, {"uid", metadata.uid()}};
    const auto answer = context_.client.createSubresource(
        ServiceAccount::kResource(), metadata.ns(), account, "token",
        json::Object{{"spec", json::Object{{"expirationSeconds", kSeconds}, {"boundObjectRef", bound}}}});
    const auto found = context_.client.get<ServiceAccount>(metadata.ns(), account);
    json::Object data{{"token", base::encodeBase64(json::getString(answer->tree(), "status.token"))},
                      {"namespace", base::encodeBase64(metadata.ns())},
                      {"ca.crt", base::encodeBase64(context_.rootCaPem)}};
    context_.client.patch(
        Secret::kResource(), metadata.ns(), metadata.name(), client::PatchType::kMerge,
        json::Object{{"metadata", json::Object{{"uid", metadata.uid()},
                                               {"resourceVersion", metadata.resourceVersion()},
                                               {"annotations", json::Object{{kUid, found.metadata().uid()}}}}},
                     {"data", std::move(data)}});
  }

  void remove(const Secret& secret) {
    const auto& metadata = secret.metadata();
    context_.client.remove(Secret::kResource(), metadata.ns(), metadata.name(),
                           {.gracePeriodSeconds = {},
                            .uid = std::string(metadata.uid()),
                            .resourceVersion = std::string(metadata.resourceVersion()),
                            .propagation = {}});
  }

  ControllerContext& context_;
  client::Informer& secrets_;
  client::Informer& accounts_;
  client::Workqueue queue_{"serviceaccount-token-controller"};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

TokenSecretStep decideTokenSecret(const Secret& secret, const ServiceAccount& account) {
  if (annotationOf(secret, kName).empty() || json::find(secret.object()->tree(), "metadata.deletionTimestamp")) {
    return TokenSecretStep::kNothing;
  }
  const auto uid = annotationOf(secret, kUid);
  if (!account || (!uid.empty() && uid != account.metadata().uid())) return TokenSecretStep::kRemove;
  const bool whole =
      !uid.empty() && hasData(secret, "token") && hasData(secret, "namespace") && hasData(secret, "ca.crt");
  return whole ? TokenSecretStep::kNothing : TokenSecretStep::kFill;
}

std::unique_ptr<Controller> makeTokenSecretController(ControllerContext& context) {
  return std::make_unique<TokenSecretController>(context);
}

}  // namespace wherry::controllers
