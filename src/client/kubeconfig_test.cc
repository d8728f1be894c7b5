#include "client/kubeconfig.h"

#include <stdexcept>

#include <gtest/gtest.h>

#include "base/fd.h"

namespace wherry::client {
namespace {

constexpr std::string_view kConfig = R"(apiVersion: v1
kind: Config
current-context: here
contexts:
- name: there
  context: {cluster: none, user: none}
- name: here
  context: {cluster: boat, user: jane, namespace: dev}
clusters:
- name: boat
  cluster:
    server: https://192.0.2.1:6443
    certificate-authority-data: Q0E=
users:
- name: jane
  user:
    client-certificate-data: Q0VSVA==
    client-key-data: S0VZ
)";

std::string replaced(std::string_view from, std::string_view to) {
  std::string text(kConfig);
  return text.replace(text.find(from), from.size(), to);
}

TEST(Kubeconfig, TheCurrentContextIsRead) {
  Kubeconfig config = parseKubeconfig(kConfig, "");
  EXPECT_EQ(config.server, "https://192.0.2.1:6443");
  EXPECT_EQ(config.authorityPem, "CA");
  EXPECT_EQ(config.certificatePem, "CERT");
  EXPECT_EQ(config.keyPem, "KEY");
  EXPECT_EQ(config.ns, "dev");
}

TEST(Kubeconfig, FilesAreFoundBesideIt) {
  std::string directory = testing::TempDir();
  base::writeFileAtomic(directory + "/ca-for-test.crt", "FROM FILE");
  std::string text = replaced("certificate-authority-data: Q0E=", "certificate-authority: ca-for-test.crt");
  EXPECT_EQ(parseKubeconfig(text, directory).authorityPem, "FROM FILE");
}

TEST(Kubeconfig, SaysWhatIsWrong) {
  const struct {
    const char* name;
    std::string text;
    const char* why;
  } cases[] = {
      {"no context of that name", replaced("current-context: here", "current-context: nowhere"),
       "context \"nowhere\" is not there"},
      {"no cluster of that name", replaced("- name: boat", "- name: ship"), "cluster \"boat\" is not there"},
      {"no current context", replaced("current-context: here", "preferences: {}"), "there is no current-context"},
      {"no authority", replaced("    certificate-authority-data: Q0E=\n", ""),
       "the cluster has no certificate-authority"},
      {"data that is no base64", replaced("S0VZ", "'%%%'"), "client-key-data is not base64"},
      {"a credential plug-in", replaced("client-key-data: S0VZ", "exec: {command: x}"), "exec is not supported"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    try {
      parseKubeconfig(test.text, "");
      ADD_FAILURE() << "accepted";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), test.why);
    }
  }
}

TEST(Kubeconfig, AServerMayBeBelievedOnRequest) {
  Kubeconfig config =
      parseKubeconfig(replaced("certificate-authority-data: Q0E=", "insecure-skip-tls-verify: true"), "");
  EXPECT_TRUE(config.insecure);
  EXPECT_EQ(config.authorityPem, "");
}

}  // namespace
}  // namespace wherry::client
