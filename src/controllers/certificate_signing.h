// CertificateSigningRequests: those that nodes send for themselves are approved, approved ones are signed with the
// cluster's authority, and what is over or forgotten is deleted. The signers are upstream's kubernetes.io/...; requests
// to any other are somebody else's.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "controllers/controller.h"
#include "pki/certificate_request.h"
#include "views/certificates_v1.h"

namespace wherry::controllers {

// Why the signer with this name does not sign such a request; "" when it does, nothing when it is none of ours.
std::optional<std::string> findSigningFault(std::string_view signer, const pki::RequestFacts& facts,
                                            const std::vector<std::string>& usages);

// What the requester must be allowed to create so that a node's request for its own client certificate is approved
// unseen ("selfnodeclient" or "nodeclient", subresources of certificatesigningrequests); "" for all other requests.
std::string_view decideAutoApproval(const certificates_v1::CertificateSigningRequest& request,
                                    const pki::RequestFacts& facts);

pki::IssueSpec decideIssue(const certificates_v1::CertificateSigningRequest& request);

// When the request goes: an hour after it was answered, a day after it was made without an answer.
base::WallTime decideRemoval(const certificates_v1::CertificateSigningRequest& request);

std::unique_ptr<Controller> makeCertificateSigningController(ControllerContext& context);

}  // namespace wherry::controllers
