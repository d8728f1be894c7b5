#include "pki/certificate_request.h"

#include <stdexcept>

#include <gtest/gtest.h>

namespace wherry::pki {
namespace {

using std::chrono::hours;

constexpr base::WallTime kNow{std::chrono::seconds{1'798'761'600}};  // 2027-01-01
const std::string kNode =
    "-----BEGIN CERTIFICATE REQUEST-----\n"
    "MIIBFjCBvAIBADAyMRUwEwYDVQQKDAxzeXN0ZW06bm9kZXMxGTAXBgNVBAMMEHN5\n"
    "c3RlbTpub2RlOmJvYXQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATzESBN45Uz\n"
    "6JbemLuvZFvgTBAt9vHMqTXat0J1rDAmhiDIfxaxOzc4UiZ/DlBCGz5WguRrSSGa\n"
    "pKzQ9zHH7ahWoCgwJgYJKoZIhvcNAQkOMRkwFzAVBgNVHREEDjAMggRib2F0hwTA\n"
    "AAIBMAoGCCqGSM49BAMCA0kAMEYCIQClQUJEf9GPGKBmqQ/grVu7GgDb1+7gxH8y\n"
    "FZstlGYSZwIhAMuVcP2rfqZ9Uclsjs3gqwvM4JuEuzV6FBEKWcLpFgf0\n"
    "-----END CERTIFICATE REQUEST-----\n";

TEST(CertificateRequest, SaysWhoAsksAndForWhichNames) {
  RequestFacts facts = readRequest(kNode);
  EXPECT_EQ(facts.commonName, "system:node:boat");
  EXPECT_EQ(facts.organizations, std::vector<std::string>{"system:nodes"});
  EXPECT_EQ(facts.dnsNames, std::vector<std::string>{"boat"});
  EXPECT_EQ(facts.addresses, std::vector<std::string>{"192.0.2.1"});
  EXPECT_TRUE(facts.emails.empty() && facts.uris.empty());
}

TEST(CertificateRequest, MustBeSignedByItsOwnKey) {
  std::string altered = kNode;
  altered.replace(altered.find("MIIBFTCB") + 60, 1, altered[altered.find("MIIBFTCB") + 60] == 'A' ? "B" : "A");
  EXPECT_THROW(readRequest(altered), std::invalid_argument);
  EXPECT_THROW(readRequest("hello"), std::invalid_argument);
  EXPECT_THROW(readRequest(""), std::invalid_argument);
}

TEST(CertificateRequest, GetsWhatItAsksForAsFarAsTheIssuerAgrees) {
  KeyPair authority = newAuthority("kubernetes", hours{24 * 10}, kNow);
  std::string issued = issueRequested(
      authority, kNode, {{"digitalSignature", "keyEncipherment"}, {"serverAuth"}, std::chrono::hours{24}}, kNow);
  CertificateFacts facts = readCertificate(issued);
  EXPECT_EQ(facts.commonName, "system:node:boat");
  EXPECT_EQ(facts.organizations, std::vector<std::string>{"system:nodes"});
  EXPECT_EQ(facts.names, (std::vector<std::string>{"boat", "192.0.2.1"}));
  EXPECT_FALSE(facts.isAuthority);
  EXPECT_EQ(facts.notAfter, kNow + hours{24});
  EXPECT_EQ(findFault(issued, authority.certificatePem, Usage::kServer, kNow), std::nullopt);
  EXPECT_NE(findFault(issued, authority.certificatePem, Usage::kClient, kNow), std::nullopt);
  auto end = readCertificate(authority.certificatePem).notAfter;
  EXPECT_EQ(readCertificate(issueRequested(authority, kNode, {{}, {}, hours{24 * 400}}, kNow)).notAfter, end);
}

}  // namespace
}  // namespace wherry::pki
