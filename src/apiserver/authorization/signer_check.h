// Who answers a CertificateSigningRequest needs a right over its signer besides that to write the object: `approve` to
// approve or deny it, `sign` to change its certificate or conditions. Rights are given on the resource `signers` of
// certificates.k8s.io, to which no objects belong, by name ("example.com/ours") or for a domain ("example.com/*").
#pragma once

#include "apiserver/admission/admission.h"
#include "apiserver/backend.h"

namespace wherry::apiserver {

// Upstream's CertificateApproval and CertificateSigning. Does nothing for other kinds. Throws Forbidden.
void requireMayAnswer(const Backend& backend, const AdmissionRequest& request);

}  // namespace wherry::apiserver
