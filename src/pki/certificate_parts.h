// What making and reading certificates (certificate.cc) and requests for them (certificate_request.cc) share. For the
// sources of this folder alone; a failure of OpenSSL throws std::runtime_error.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "pki/openssl.h"

namespace wherry::pki {

using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, OpenSslDeleter<GENERAL_NAMES_free>>;

std::string renderCertificate(X509* certificate);  // PEM
void setSerial(X509* certificate);                 // by chance
void setValidity(X509* certificate, base::WallTime from, base::WallTime to);
// As openssl's configuration files say it: "critical,CA:FALSE".
void addExtension(X509* certificate, X509* issuer, int nid, const std::string& value);

base::WallTime toWallTime(const ASN1_TIME* time);
std::vector<std::string> readSubject(X509_NAME* subject, int nid);
// DNS names, addresses, e-mail addresses and URIs; "" for each name of another sort.
std::vector<std::string> readNames(const GENERAL_NAMES* names);

}  // namespace wherry::pki
