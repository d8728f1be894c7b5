#include "linux/sysctls.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "linux/scratch_namespace.h"

namespace wherry::linux {
namespace {

constexpr const char* kForward = "net/ipv4/ip_forward";
constexpr const char* kRedirects = "net/ipv4/conf/all/accept_redirects";

class SysctlsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!ScratchNamespace::allowed()) GTEST_SKIP() << "needs root: it makes network namespaces";
    node_.emplace();
    std::filesystem::remove(record_);
  }

  // Changes forwarding twice over, as a server that starts twice does, and takes it back.
  void changeAndRestore() {
    changeSysctl(kForward, "1", record_, {kRedirects});
    writeSysctl(kForward, "0");
    changeSysctl(kForward, "1", record_, {kRedirects});
    EXPECT_EQ(readSysctl(kForward), "1");
    restoreSysctls(record_);
  }

  std::optional<ScratchNamespace> node_;
  std::string record_ = testing::TempDir() + "sysctls_record";
};

TEST_F(SysctlsTest, AChangeIsTakenBackWithWhatTheKernelChangedAlong) {
  node_->run([&] {
    writeSysctl(kForward, "0");
    writeSysctl(kRedirects, "0");  // the kernel would set it to 1
    changeAndRestore();
    EXPECT_EQ(readSysctl(kForward), "0");
    EXPECT_EQ(readSysctl(kRedirects), "0");
    EXPECT_FALSE(std::filesystem::exists(record_));
  });
}

TEST_F(SysctlsTest, WhatWasSetAlreadyStays) {
  node_->run([&] {
    writeSysctl(kForward, "1");
    changeSysctl(kForward, "1", record_, {kRedirects});
    EXPECT_FALSE(std::filesystem::exists(record_));
    restoreSysctls(record_);
    EXPECT_EQ(readSysctl(kForward), "1");
  });
}

}  // namespace
}  // namespace wherry::linux
