#include "pki/cluster_pki.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/encoding.h"
#include "base/fd.h"
#include "pki/key.h"

namespace wherry::pki {
namespace {

using testing::HasSubstr;

constexpr std::chrono::hours kYear{24 * 365};

class ClusterPkiTest : public testing::Test {
 protected:
  ClusterPkiTest() {
    std::string pattern = testing::TempDir() + "pki-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    options_ = {directory_ + "/pki", "node-1", {"localhost", "kubernetes.default.svc", "10.96.0.1"}};
  }
  ~ClusterPkiTest() override { std::filesystem::remove_all(directory_); }

  ClusterPki load() const { return loadClusterPki(options_, clock_); }

  std::string directory_;
  ClusterPkiOptions options_;
  base::ManualClock clock_{base::WallTime{std::chrono::seconds{1'800'000'000}}};
};

TEST_F(ClusterPkiTest, AFirstStartMakesEverything) {
  ClusterPki pki = load();
  const std::string& authority = pki.authority.certificatePem;
  EXPECT_EQ(findFault(pki.apiServer.certificatePem, authority, Usage::kServer, clock_.now()), std::nullopt);
  EXPECT_EQ(findFault(pki.admin.certificatePem, authority, Usage::kClient, clock_.now()), std::nullopt);
  EXPECT_EQ(findFault(pki.kubelet.certificatePem, authority, Usage::kClient, clock_.now()), std::nullopt);
  EXPECT_EQ(readCertificate(pki.apiServer.certificatePem).names, options_.serverNames);
  EXPECT_EQ(readCertificate(pki.admin.certificatePem).organizations, std::vector<std::string>{"system:masters"});
  EXPECT_EQ(readCertificate(pki.kubelet.certificatePem).commonName, "system:node:node-1");
  EXPECT_FALSE(publicKeyOf(pki.serviceAccountKeysPem.at(0)).empty());
}

TEST_F(ClusterPkiTest, TheFilesAreForTheOwnerAlone) {
  load();
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(options_.directory)) {
    struct stat status {};
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U) << entry.path();
    ++count;
  }
  EXPECT_EQ(count, 9);
}

TEST_F(ClusterPkiTest, ASecondStartChangesNothing) {
  ClusterPki first = load();
  ClusterPki second = load();
  EXPECT_EQ(first.authority.certificatePem, second.authority.certificatePem);
  EXPECT_EQ(first.apiServer.certificatePem, second.apiServer.certificatePem);
  EXPECT_EQ(first.admin.certificatePem, second.admin.certificatePem);
  EXPECT_EQ(first.serviceAccountKeysPem, second.serviceAccountKeysPem);
}

TEST_F(ClusterPkiTest, AKeyThatIsPutAsideStillVerifiesTokens) {
  std::string former = load().serviceAccountKeysPem.at(0);
  std::filesystem::rename(options_.directory + "/sa.key", options_.directory + "/sa-2026.key");
  auto keys = load().serviceAccountKeysPem;
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_NE(keys[0], former) << "a new one signs";
  EXPECT_EQ(keys[1], former);
}

TEST_F(ClusterPkiTest, OtherServerNamesRenewTheServersCertificateOnly) {
  ClusterPki first = load();
  options_.serverNames.push_back("192.0.2.7");
  ClusterPki second = load();
  EXPECT_NE(first.apiServer.certificatePem, second.apiServer.certificatePem);
  EXPECT_EQ(first.authority.certificatePem, second.authority.certificatePem);
  EXPECT_EQ(first.admin.certificatePem, second.admin.certificatePem);
}

TEST_F(ClusterPkiTest, ACertificateNearItsEndIsRenewed) {
  ClusterPki first = load();
  clock_.advance(4 * kYear + std::chrono::hours(24));
  ClusterPki second = load();
  EXPECT_NE(first.admin.certificatePem, second.admin.certificatePem);
  EXPECT_EQ(first.authority.certificatePem, second.authority.certificatePem);
}

TEST_F(ClusterPkiTest, NothingIsRenewedBeforeItsTimeAndEverythingAtIt) {
  ClusterPki first = load();
  base::WallTime due = nextRenewal(first);
  clock_.advance(due - clock_.now() - std::chrono::seconds(1));
  EXPECT_EQ(load().apiServer.certificatePem, first.apiServer.certificatePem);
  clock_.advance(std::chrono::seconds(2));
  ClusterPki second = load();
  EXPECT_NE(second.apiServer.certificatePem, first.apiServer.certificatePem);
  EXPECT_NE(second.kubelet.certificatePem, first.kubelet.certificatePem);
  EXPECT_GT(nextRenewal(second), clock_.now()) << "the next time lies ahead, or it would be renewed without end";
}

// What a client that trusts `pki` says to a server with that certificate.
std::optional<std::string> faultFor(const ClusterPki& client, const ClusterPki& server, base::WallTime at) {
  return findFault(server.apiServer.certificatePem, client.authority.certificatePem, Usage::kServer, at);
}

TEST_F(ClusterPkiTest, TheAuthorityIsRenewedWithItsKeySoThatOldKubeconfigsGoOn) {
  ClusterPki first = load();
  clock_.advance(8 * kYear + std::chrono::hours(24));
  ClusterPki second = load();
  EXPECT_EQ(first.authority.keyPem, second.authority.keyPem);
  EXPECT_GT(readCertificate(second.authority.certificatePem).notAfter, clock_.now() + 9 * kYear);
  EXPECT_EQ(faultFor(first, second, clock_.now()), std::nullopt);
  EXPECT_EQ(findFault(second.admin.certificatePem, first.authority.certificatePem, Usage::kClient, clock_.now()),
            std::nullopt);
}

TEST_F(ClusterPkiTest, YearsOfRenewalsNeverMeetACertificateThatIsNotValid) {
  ClusterPki pki = load();
  for (int i = 0; i < 20; ++i) {
    clock_.advance(nextRenewal(pki) - clock_.now() + std::chrono::seconds(1));
    ClusterPki next = load();
    EXPECT_EQ(faultFor(pki, next, clock_.now()), std::nullopt) << "round " << i;
    EXPECT_EQ(faultFor(next, next, clock_.now()), std::nullopt) << "round " << i;
    pki = next;
  }
}

TEST_F(ClusterPkiTest, AClockThatJumpsLeavesCertificatesThatAreValid) {
  struct Case {
    const char* name;
    std::chrono::hours jump;
  };
  for (const Case& c : {Case{"ten days back", std::chrono::hours(-240)}, Case{"twenty years ahead", 20 * kYear},
                        Case{"thirty years back", -30 * kYear}, Case{"to where it began", 10 * kYear}}) {
    clock_.advance(c.jump);
    ClusterPki pki = load();
    EXPECT_EQ(faultFor(pki, pki, clock_.now()), std::nullopt) << c.name;
    EXPECT_EQ(findFault(pki.admin.certificatePem, pki.authority.certificatePem, Usage::kClient, clock_.now()),
              std::nullopt)
        << c.name;
  }
}

TEST_F(ClusterPkiTest, AFirstStartWithAClockAtItsBeginningHoldsWhenItIsSet) {
  clock_.advance(base::WallTime{std::chrono::hours(1)} - clock_.now());  // 1970
  ClusterPki made = load();
  clock_.advance(base::WallTime{std::chrono::seconds{1'800'000'000}} - clock_.now());
  ClusterPki later = load();
  EXPECT_EQ(made.apiServer.certificatePem, later.apiServer.certificatePem) << "nothing had to be made anew";
  EXPECT_EQ(faultFor(made, made, clock_.now()), std::nullopt);
}

TEST_F(ClusterPkiTest, ACrashBetweenKeyAndCertificateIsRepaired) {
  load();
  base::writeFileAtomic(options_.directory + "/apiserver.key", newPrivateKey(), 0600);
  EXPECT_TRUE(belongTogether(load().apiServer));
}

TEST_F(ClusterPkiTest, AnAuthorityWhoseKeyIsNotItsOwnIsAnError) {
  load();
  base::writeFileAtomic(options_.directory + "/ca.key", newPrivateKey(), 0600);
  try {
    load();
    FAIL() << "accepted";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("ca.key is not the key of"));
  }
}

TEST_F(ClusterPkiTest, AKubeconfigHoldsEverythingInside) {
  KubeconfigSpec spec{
      .server = "https://192.0.2.1:6443", .authorityPem = "CA", .credentials = {"CERT", "KEY"}, .userName = "it's me"};
  EXPECT_EQ(renderKubeconfig(spec), R"(apiVersion: v1
kind: Config
clusters:
- name: wherry
  cluster:
    server: https://192.0.2.1:6443
    certificate-authority-data: Q0E=
users:
- name: 'it''s me'
  user:
    client-certificate-data: Q0VSVA==
    client-key-data: S0VZ
contexts:
- name: wherry
  context:
    cluster: wherry
    user: 'it''s me'
current-context: wherry
)");
}

}  // namespace
}  // namespace wherry::pki
