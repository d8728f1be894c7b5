// Certificates that somebody else brings, as a program with OpenSSL (HAProxy) is given them: read, checked and written
// anew, so that nothing that isn't a certificate or a key gets there, and nothing that it would refuse to start with.
// Pure; safe from any thread.
#pragma once

#include <string>

namespace wherry::pki {

// The certificates of `chainPem`, the server's own first, and the key that belongs to that one. Throws
// std::invalid_argument that says why it can't be: no certificate, a broken one, somebody else's key, one with a
// passphrase, too weak a key or signature (OpenSSL's security level 2).
std::string servedChain(const std::string& chainPem, const std::string& keyPem);

// The certificates of a bundle of authorities. Throws std::invalid_argument when there are none, or a broken one.
std::string authorityBundle(const std::string& pem);

}  // namespace wherry::pki
