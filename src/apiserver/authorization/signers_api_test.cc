// Who may answer a CertificateSigningRequest, as clients of the API meet it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "apiserver/api_script.h"

namespace wherry::apiserver {
namespace {

constexpr auto kRequests = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
constexpr auto kPem =
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlJQkZqQ0J2QUlCQURBeU1SVXdFd1lEVlFRS0RBeHplWE4wWlcwNmJt"
    "OWtaWE14R1RBWEJnTlZCQU1NRUhONQpjM1JsYlRwdWIyUmxPbUp2WVhRd1dUQVRCZ2NxaGtqT1BRSUJCZ2dxaGtqT1BRTUJCd05DQUFU"
    "ekVTQk40NVV6CjZKYmVtTHV2WkZ2Z1RCQXQ5dkhNcVRYYXQwSjFyREFtaGlESWZ4YXhPemM0VWlaL0RsQkNHejVXZ3VSclNTR2EKcEt6"
    "UTl6SEg3YWhXb0Nnd0pnWUpLb1pJaHZjTkFRa09NUmt3RnpBVkJnTlZIUkVFRGpBTWdnUmliMkYwaHdUQQpBQUlCTUFvR0NDcUdTTTQ5"
    "QkFNQ0Ewa0FNRVlDSVFDbFFVSkVmOUdQR0tCbXFRL2dyVnU3R2dEYjErN2d4SDh5CkZac3RsR1lTWndJaEFNdVZjUDJyZnFaOVVjbHNq"
    "czNncXd2TTRKdUV1elY2RkJFS1djTHBGZ2YwCi0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=";

// The group devs may write every request's approval and status; jane has rights over one signer, ann over a domain.
class Signers : public ::testing::Test {
 protected:
  Signers() {
    world_.run(R"(
POST /apis/rbac.authorization.k8s.io/v1/clusterroles
  metadata: {name: writer}
  rules: [{verbs: [update, patch], apiGroups: [certificates.k8s.io], resources: [certificatesigningrequests/approval, certificatesigningrequests/status]}]
=> 201
POST /apis/rbac.authorization.k8s.io/v1/clusterrolebindings
  metadata: {name: writers}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: writer}
  subjects: [{kind: Group, name: devs}]
=> 201
)");
    grant("jane", "example.com/ours");
    grant("ann", "example.com/*");
    for (std::string name : {"ours", "theirs"}) {
      world_.run(fmt::format(R"(
POST {}
  metadata: {{name: {}}}
  spec: {{signerName: example.com/{}, request: {}, usages: [client auth]}}
=> 201
)",
                             kRequests, name, name, kPem));
    }
  }

  void grant(std::string_view user, std::string_view signer) {
    world_.run(fmt::format(R"(
POST /apis/rbac.authorization.k8s.io/v1/clusterroles
  metadata: {{name: {0}}}
  rules: [{{verbs: [approve, sign], apiGroups: [certificates.k8s.io], resources: [signers], resourceNames: ["{1}"]}}]
=> 201
POST /apis/rbac.authorization.k8s.io/v1/clusterrolebindings
  metadata: {{name: {0}}}
  roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {0}}}
  subjects: [{{kind: User, name: {0}}}]
=> 201
)",
                           user, signer));
  }

  ApiWorld world_;
};

TEST_F(Signers, ApprovingNeedsARightOverTheSigner) {
  world_.run(R"(
PATCH:merge /apis/certificates.k8s.io/v1/certificatesigningrequests/ours/approval as joe devs
  status: {conditions: [{type: Approved, status: "True", reason: r}]}
=> 403
  message: 'certificatesigningrequests.certificates.k8s.io "ours" is forbidden: user not permitted to approve requests with signerName "example.com/ours"'
PATCH:merge /apis/certificates.k8s.io/v1/certificatesigningrequests/theirs/approval as jane devs
  status: {conditions: [{type: Denied, status: "True", reason: r}]}
=> 403
PATCH:merge /apis/certificates.k8s.io/v1/certificatesigningrequests/ours/approval as jane devs
  status: {conditions: [{type: Approved, status: "True", reason: r}]}
=> 200
PATCH:merge /apis/certificates.k8s.io/v1/certificatesigningrequests/theirs/approval as ann devs
  status: {conditions: [{type: Denied, status: "True", reason: r}]}
=> 200
)");
}

TEST_F(Signers, SigningNeedsARightOverTheSigner) {
  world_.run(R"(
PATCH:merge /apis/certificates.k8s.io/v1/certificatesigningrequests/ours/status as joe devs
  status: {certificate: aGVsbG8=}
=> 403
  message: 'certificatesigningrequests.certificates.k8s.io "ours" is forbidden: user not permitted to sign requests with signerName "example.com/ours"'
PATCH:merge /apis/certificates.k8s.io/v1/certificatesigningrequests/ours/status as joe devs
  status: {conditions: [{type: Failed, status: "True", reason: r}]}
=> 403
PATCH:merge /apis/certificates.k8s.io/v1/certificatesigningrequests/theirs/status as jane devs
  status: {certificate: aGVsbG8=}
=> 403
PATCH:merge /apis/certificates.k8s.io/v1/certificatesigningrequests/ours/status as joe devs
  metadata: {labels: {a: b}}
=> 200
PATCH:merge /apis/certificates.k8s.io/v1/certificatesigningrequests/ours/status as jane devs
  status: {certificate: aGVsbG8=}
=> 200
PATCH:merge /apis/certificates.k8s.io/v1/certificatesigningrequests/theirs/status as ann devs
  status: {conditions: [{type: Failed, status: "True", reason: r}]}
=> 200
)");
}

TEST_F(Signers, ARightOverOneDomainIsNoneOverAnother) {
  world_.run(fmt::format(R"(
POST {0}
  metadata: {{name: other}}
  spec: {{signerName: other.example.com/ours, request: {1}, usages: [client auth]}}
=> 201
PATCH:merge {0}/other/approval as ann devs
  status: {{conditions: [{{type: Approved, status: "True", reason: r}}]}}
=> 403
)",
                         kRequests, kPem));
}

}  // namespace
}  // namespace wherry::apiserver
