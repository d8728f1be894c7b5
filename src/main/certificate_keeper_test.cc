#include "main/certificate_keeper.h"

#include <filesystem>
#include <future>

#include <gtest/gtest.h>

#include "base/fd.h"

namespace wherry::main {
namespace {

class CertificateKeeperTest : public testing::Test {
 protected:
  CertificateKeeperTest() {
    std::string pattern = testing::TempDir() + "keeper-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
  }
  ~CertificateKeeperTest() override { std::filesystem::remove_all(directory_); }

  pki::ClusterPkiOptions options() const { return {directory_ + "/pki", "node-1", {"localhost"}}; }
  CertificateKeeper::Changed count() {
    return [this](const auto&, const auto& now) {
      ++changes_;
      served_ = now.apiServer.certificatePem;
    };
  }

  std::string directory_;
  base::ManualClock clock_{base::WallTime{std::chrono::seconds{1'800'000'000}}};
  int changes_ = 0;
  std::string served_;
};

TEST_F(CertificateKeeperTest, RenewsAtTheDeadlineAndNotBefore) {
  CertificateKeeper keeper(options(), clock_);
  base::WallTime due = keeper.renew(count());
  EXPECT_EQ(changes_, 0);
  clock_.advance(due - clock_.now() - std::chrono::seconds(1));
  EXPECT_EQ(keeper.renew(count()), due);
  EXPECT_EQ(changes_, 0);
  clock_.advance(std::chrono::seconds(2));
  EXPECT_GT(keeper.renew(count()), clock_.now() + std::chrono::hours(24));
  EXPECT_EQ(changes_, 1);
  EXPECT_EQ(served_, base::readFile(directory_ + "/pki/apiserver.crt"));
  EXPECT_GT(pki::readCertificate(served_).notAfter, clock_.now());
}

TEST_F(CertificateKeeperTest, ADiskThatCantBeWrittenIsTriedAgainLater) {
  CertificateKeeper keeper(options(), clock_);
  base::WallTime due = keeper.renew(count());
  clock_.advance(due - clock_.now() + std::chrono::seconds(1));
  std::filesystem::rename(directory_ + "/pki", directory_ + "/away");
  base::writeFileAtomic(directory_ + "/pki", "in the way");
  EXPECT_EQ(keeper.renew(count()), clock_.now() + std::chrono::hours(1));
  EXPECT_EQ(changes_, 0);
  std::filesystem::remove(directory_ + "/pki");
  std::filesystem::rename(directory_ + "/away", directory_ + "/pki");
  keeper.renew(count());
  EXPECT_EQ(changes_, 1);
}

TEST_F(CertificateKeeperTest, AnotherNameOfTheServerIsInTheCertificateSoon) {
  CertificateKeeper keeper(options());
  std::promise<std::vector<std::string>> names;
  keeper.follow([&](const auto&, const pki::ClusterPki& now) {
    names.set_value(pki::readCertificate(now.apiServer.certificatePem).names);
  });
  keeper.setServerNames({"localhost", "192.0.2.9"});
  auto future = names.get_future();
  ASSERT_EQ(future.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_EQ(future.get(), (std::vector<std::string>{"localhost", "192.0.2.9"}));
}

}  // namespace
}  // namespace wherry::main
