#include "controllers/certificate_signing.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "client/workqueue.h"
#include "controllers/status_writer.h"
#include "meta/time.h"
#include "views/authorization_v1.h"

namespace wherry::controllers {

namespace {

using authorization_v1::SubjectAccessReview;
using certificates_v1::CertificateSigningRequest;

bool hasCondition(const CertificateSigningRequest& request, std::string_view type) {
  for (const auto condition : request.status().conditions()) {
    if (condition.type() == type && condition.status() != "False") return true;
  }
  return false;
}

// The status with one more condition.
json::Object statusWith(const CertificateSigningRequest& request, std::string_view type, std::string_view reason,
                        std::string_view message, const std::string& now) {
  const auto* status = json::find(request.object()->tree(), "status");
  json::Object next = status && status->is_object() ? status->get_object() : json::Object();
  auto& conditions = next["conditions"];
  if (!conditions.is_array()) conditions = json::Array();
  conditions.get_array().push_back(json::Object{{"type", type},
                                                {"status", "True"},
                                                {"reason", reason},
                                                {"message", message},
                                                {"lastUpdateTime", now},
                                                {"lastTransitionTime", now}});
  return next;
}

class CertificateSigningController : public Controller {
 public:
  explicit CertificateSigningController(ControllerContext& context)
      : context_(context), requests_(context.informers.informer(CertificateSigningRequest::kResource())) {
    requests_.addHandler({.onChange =
                              [this](const meta::ObjectPtr&, const meta::ObjectPtr& after) {
                                if (after) queue_.add(after->key().text());
                              },
                          .onSynced = {},
                          .onRevision = {}});
  }

  void start() override {
    loop_.emplace(queue_, [this](const std::string& key) { reconcile(key); });
  }

 private:
  void reconcile(const std::string& key) {
    const CertificateSigningRequest request(requests_.get(meta::ObjectKey::parse(key)));
    if (!request) return;
    const auto left = decideRemoval(request) - context_.clock.now();
    if (left <= left.zero()) {
      const auto& metadata = request.metadata();
      return context_.client.remove(
          CertificateSigningRequest::kResource(), "", metadata.name(),
          {.gracePeriodSeconds = {}, .uid = std::string(metadata.uid()), .resourceVersion = {}, .propagation = {}});
    }
    queue_.addAfter(key, std::chrono::ceil<std::chrono::milliseconds>(left));
    if (hasCondition(request, "Denied") || hasCondition(request, "Failed")) return;
    if (!request.status().certificate().empty()) return;
    try {
      answer(request, base::decodeBase64(request.spec().request()).value_or(""));
    } catch (const std::invalid_argument& error) {
      fail(request, error.what());
    }
  }

  void answer(const CertificateSigningRequest& request, const std::string& pem) {
    const auto facts = pki::readRequest(pem);
    if (!hasCondition(request, "Approved")) return approveIfAllowed(request, facts);
    std::vector<std::string> usages;
    for (const auto usage : request.spec().usages()) usages.emplace_back(usage);
    const auto fault = findSigningFault(request.spec().signerName(), facts, usages);
    if (!fault || !context_.authority) return;
    if (!fault->empty()) return fail(request, *fault);
    const auto issued = pki::issueRequested(*context_.authority, pem, decideIssue(request), context_.clock.now());
    const auto* status = json::find(request.object()->tree(), "status");
    json::Object next = status->as_object();
    next["certificate"] = base::encodeBase64(issued);
    applyStatus(context_.client, CertificateSigningRequest::kResource(), *request.object(), std::move(next));
  }

  void fail(const CertificateSigningRequest& request, std::string_view why) {
    applyStatus(context_.client, CertificateSigningRequest::kResource(), *request.object(),
                statusWith(request, "Failed", "SignerValidationFailure", why, now()));
  }

  void approveIfAllowed(const CertificateSigningRequest& request, const pki::RequestFacts& facts) {
    const auto subresource = decideAutoApproval(request, facts);
    if (subresource.empty() || !mayCreate(request, subresource)) return;
    const auto message = fmt::format("Auto approving {}kubelet client certificate after SubjectAccessReview.",
                                     subresource == "selfnodeclient" ? "self " : "");
    json::Value approved = request.object()->tree();
    approved.as_object()["status"] = statusWith(request, "Approved", "AutoApproved", message, now());
    context_.client.update(CertificateSigningRequest::kResource(), "", approved, {.subresource = "approval"});
  }

  // Whether whoever sent the request may create this subresource of requests.
  bool mayCreate(const CertificateSigningRequest& request, std::string_view subresource) {
    json::Object spec{{"user", request.spec().username()},
                      {"uid", request.spec().uid()},
                      {"resourceAttributes", json::Object{{"group", "certificates.k8s.io"},
                                                          {"resource", "certificatesigningrequests"},
                                                          {"subresource", subresource},
                                                          {"verb", "create"}}}};
    for (const auto* field : {"groups", "extra"}) {
      const auto* value = json::find(request.object()->tree(), fmt::format("spec.{}", field));
      if (value) spec[field] = *value;
    }
    const auto review = context_.client.create<SubjectAccessReview>("", json::Object{{"spec", std::move(spec)}});
    return review.status().allowed();
  }

  std::string now() const { return meta::formatTime(context_.clock.now()); }

  ControllerContext& context_;
  client::Informer& requests_;
  client::Workqueue queue_{"certificatesigningrequest-controller"};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

std::unique_ptr<Controller> makeCertificateSigningController(ControllerContext& context) {
  return std::make_unique<CertificateSigningController>(context);
}

}  // namespace wherry::controllers
