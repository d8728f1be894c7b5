#include "pki/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pki/key.h"

namespace wherry::pki {
namespace {

using std::chrono::hours;
using testing::ElementsAre;
using testing::HasSubstr;

const base::WallTime kNow{std::chrono::seconds{1'800'000'000}};
constexpr hours kYear{24 * 365};

KeyPair authority() {
  static const KeyPair pair = newAuthority("kubernetes", 10 * kYear, kNow);
  return pair;
}

TEST(Certificate, AnAuthoritySignsItself) {
  CertificateFacts facts = readCertificate(authority().certificatePem);
  EXPECT_TRUE(facts.isAuthority);
  EXPECT_EQ(facts.commonName, "kubernetes");
  EXPECT_EQ(facts.notAfter, kNow + 10 * kYear);
  EXPECT_TRUE(belongTogether(authority()));
  EXPECT_EQ(findFault(authority().certificatePem, authority().certificatePem, Usage::kAuthority, kNow), std::nullopt);
}

TEST(Certificate, AServerCertificateNamesNamesAndAddresses) {
  CertificateSpec spec{.commonName = "kube-apiserver",
                       .names = {"localhost", "*.example.org", "10.96.0.1", "0:0::1"},
                       .lifetime = kYear};
  KeyPair server = issueCertificate(authority(), spec, kNow);
  CertificateFacts facts = readCertificate(server.certificatePem);
  EXPECT_THAT(facts.names, ElementsAre("localhost", "*.example.org", "10.96.0.1", "::1"));
  EXPECT_EQ(facts.names, canonicalNames(spec.names));
  EXPECT_FALSE(facts.isAuthority);
  EXPECT_TRUE(belongTogether(server));
}

TEST(Certificate, AClientCertificateCarriesUserAndGroups) {
  CertificateSpec spec{.usage = Usage::kClient, .commonName = "jane", .organizations = {"dev", "ops"}};
  CertificateFacts facts = readCertificate(issueCertificate(authority(), spec, kNow).certificatePem);
  EXPECT_EQ(facts.commonName, "jane");
  EXPECT_THAT(facts.organizations, ElementsAre("dev", "ops"));
}

struct FaultCase {
  const char* name;
  Usage made;
  Usage used;
  base::WallTime at;
  const char* fault;  // part of it; empty: none
};

TEST(Certificate, IsBelievedOnlyForItsUseAndTime) {
  const FaultCase cases[] = {
      {"a server's for a server", Usage::kServer, Usage::kServer, kNow, ""},
      {"a client's for a client", Usage::kClient, Usage::kClient, kNow, ""},
      {"a server's for a client", Usage::kServer, Usage::kClient, kNow, "purpose"},
      {"a client's for a server", Usage::kClient, Usage::kServer, kNow, "purpose"},
      {"half an hour before it was made, by a slow clock", Usage::kServer, Usage::kServer,
       kNow - std::chrono::minutes(30), ""},
      {"long before it was made", Usage::kServer, Usage::kServer, kNow - hours(24), "not yet valid"},
      {"after its end", Usage::kServer, Usage::kServer, kNow + kYear + hours(1), "expired"},
  };
  for (const FaultCase& test : cases) {
    SCOPED_TRACE(test.name);
    CertificateSpec spec{.usage = test.made, .commonName = "x", .names = {"x"}, .lifetime = kYear};
    KeyPair pair = issueCertificate(authority(), spec, kNow);
    auto fault = findFault(pair.certificatePem, authority().certificatePem, test.used, test.at);
    if (*test.fault == '\0') {
      EXPECT_EQ(fault, std::nullopt);
    } else {
      EXPECT_THAT(fault.value_or("no fault"), HasSubstr(test.fault));
    }
  }
}

TEST(Certificate, OfAnotherAuthorityIsNotBelieved) {
  KeyPair other = newAuthority("kubernetes", kYear, kNow);
  KeyPair pair = issueCertificate(other, {.commonName = "x", .names = {"x"}}, kNow);
  EXPECT_NE(findFault(pair.certificatePem, authority().certificatePem, Usage::kServer, kNow), std::nullopt);
}

TEST(Certificate, DoesNotOutliveItsAuthority) {
  KeyPair pair = issueCertificate(authority(), {.commonName = "x", .names = {"x"}, .lifetime = 20 * kYear}, kNow);
  EXPECT_EQ(readCertificate(pair.certificatePem).notAfter, kNow + 10 * kYear);
}

TEST(Certificate, RefusesWhatIsNone) {
  EXPECT_THROW(readCertificate("hello"), std::invalid_argument);
  EXPECT_THROW(publicKeyOf(authority().certificatePem), std::invalid_argument);
  CertificateSpec injected{.commonName = "x", .names = {"a,DNS:evil.example"}};
  EXPECT_THROW(issueCertificate(authority(), injected, kNow), std::invalid_argument);
}

TEST(Certificate, FingerprintsAreSha256InHex) {
  EXPECT_EQ(fingerprint(authority().certificatePem).size(), 64U);
  EXPECT_EQ(fingerprint(authority().certificatePem), fingerprint(authority().certificatePem));
}

}  // namespace
}  // namespace wherry::pki
