#include "kubelet/runtime/leftovers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wherry::kubelet {
namespace {

using testing::ElementsAre;

const std::string kUid = "0c9a7ae0-2f8c-4b7e-8a0e-0d6c1f5b9a11";

TEST(LeftoversTest, MountsTellOfPods) {
  std::vector<linux::Mount> mounts = {
      {.target = "/data/pods/a/shm"}, {.target = "/data/pods/b/containers/web/0/rootfs"},
      {.target = "/run/w/ns/c/net"},  {.target = "/data"},
      {.target = "/data/pods"},       {.target = "/data/podsX/d/shm"},
      {.target = "/other/pods/e/shm"}};
  EXPECT_THAT(podsWithMounts(mounts, "/data", "/run/w"), ElementsAre("a", "b", "c"));
}

struct Case {
  const char* name;
  std::vector<std::string> arguments;
  const char* container;  // nullptr: not ours
};

class RuntimeProgramTest : public testing::TestWithParam<Case> {};

TEST_P(RuntimeProgramTest, IsKnownByItsArguments) {
  std::string commandLine;
  for (const std::string& argument : GetParam().arguments) commandLine += argument + '\0';
  auto program = parseRuntimeProgram(commandLine, "/run/w/crun");
  ASSERT_EQ(program.has_value(), GetParam().container != nullptr) << GetParam().name;
  EXPECT_EQ(program ? program->container : "", GetParam().container ? GetParam().container : "") << GetParam().name;
}

INSTANTIATE_TEST_SUITE_P(
    Table, RuntimeProgramTest,
    testing::Values(Case{"a monitor",
                         {"conmon", "-c", kUid + "-web-0", "--runtime-arg", "--root=/run/w/crun"},
                         "0c9a7ae0-2f8c-4b7e-8a0e-0d6c1f5b9a11-web-0"},
                    Case{"a monitor whose log's path is like an id",
                         {"conmon", "-c", kUid + "-web-0", "-l", "k8s-file:/var/log/pods/default_again-1/0.log",
                          "--runtime-arg", "--root=/run/w/crun"},
                         "0c9a7ae0-2f8c-4b7e-8a0e-0d6c1f5b9a11-web-0"},
                    Case{"a command in a container",
                         {"/usr/bin/crun", "--root", "/run/w/crun", "exec", kUid + "-web-0", "true"},
                         "0c9a7ae0-2f8c-4b7e-8a0e-0d6c1f5b9a11-web-0"},
                    Case{"a list", {"crun", "--root", "/run/w/crun", "list"}, ""},
                    Case{"another's monitor", {"conmon", "-c", "x", "--runtime-arg", "--root=/run/w/crun2"}, nullptr},
                    Case{"another program", {"vi", "/run/w/crun"}, nullptr}, Case{"a kernel thread", {}, nullptr}));

}  // namespace
}  // namespace wherry::kubelet
