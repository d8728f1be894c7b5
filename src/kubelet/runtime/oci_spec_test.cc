#include "kubelet/runtime/oci_spec.h"

#include <gtest/gtest.h>

#include "json/yaml.h"
#include "kubelet/testing/pod_fixture.h"

namespace wherry::kubelet {
namespace {

// What stands at `path` of the config, as YAML.
std::string rendered(const std::string& spec, std::string_view path, std::function<void(SpecInput&)> also = {}) {
  auto pod = makePod(spec);
  SpecInput input{.pod = pod, .container = pod.spec().containers()[0], .namespaces = {"net", "ipc", "uts"}};
  if (also) also(input);
  json::Value config = renderSpec(input);
  const json::Value* found = json::find(config, path);
  return found ? json::serialize(*found) : "missing";
}

TEST(OciSpec, SeccompConfinesAllWhoDoNotAskForMore) {
  auto action = [](const std::string& spec) { return rendered(spec, "linux.seccomp.defaultAction"); };
  EXPECT_EQ(action("containers: [{name: c}]"), "\"SCMP_ACT_ERRNO\"") << "RuntimeDefault is the default here";
  EXPECT_EQ(action("containers: [{name: c, securityContext: {seccompProfile: {type: Unconfined}}}]"), "missing");
  EXPECT_EQ(action("securityContext: {seccompProfile: {type: Unconfined}}\ncontainers: [{name: c}]"), "missing");
  EXPECT_EQ(action("containers: [{name: c, securityContext: {privileged: true}}]"), "missing");
  EXPECT_EQ(rendered("containers: [{name: c}]", "linux.seccomp",
                     [](SpecInput& input) {
                       input.seccompProfile = json::Object{{"defaultAction", "mine"}};
                     }),
            "{\"defaultAction\":\"mine\"}");
}

TEST(OciSpec, AProfileIsNamedByTheContainerBeforeThePod) {
  auto name = [](const char* spec) {
    auto pod = makePod(spec);
    return seccompProfileOf(pod, pod.spec().containers()[0]);
  };
  EXPECT_EQ(name("containers: [{name: c}]"), "");
  EXPECT_EQ(
      name("securityContext: {seccompProfile: {type: Localhost, localhostProfile: a.json}}\ncontainers: [{name: c}]"),
      "a.json");
  EXPECT_EQ(name("securityContext: {seccompProfile: {type: Localhost, localhostProfile: a.json}}\n"
                 "containers: [{name: c, securityContext: {seccompProfile: {type: RuntimeDefault}}}]"),
            "");
}

TEST(OciSpec, ProcessesAreOwnSharedOrTheNodes) {
  auto first = [](const std::string& spec, const std::string& shared) {
    return rendered(spec, "linux.namespaces", [&](SpecInput& input) { input.pidNamespace = shared; });
  };
  EXPECT_NE(first("containers: [{name: c}]", "").find("{\"type\":\"pid\"}"), std::string::npos);
  EXPECT_NE(first("containers: [{name: c}]", "/proc/1/fd/9").find("{\"type\":\"pid\",\"path\":\"/proc/1/fd/9\"}"),
            std::string::npos);
  EXPECT_EQ(first("hostPID: true\ncontainers: [{name: c}]", "").find("\"pid\""), std::string::npos);
}

TEST(OciSpec, TheMaskIsTakenOffOnlyForWhomItIsAskedFor) {
  auto masked = [](const std::string& context) {
    return rendered("containers: [{name: c, securityContext: " + context + "}]", "linux.maskedPaths") != "missing";
  };
  EXPECT_TRUE(masked("{}"));
  EXPECT_TRUE(masked("{procMount: Default}"));
  EXPECT_FALSE(masked("{procMount: Unmasked}"));
  EXPECT_FALSE(masked("{privileged: true}"));
}

TEST(OciSpec, AnOutOfMemoryEndsAllProcessesWhereTheKernelCan) {
  EXPECT_EQ(rendered("containers: [{name: c}]", "linux.resources.unified"), "missing");
  EXPECT_EQ(rendered("containers: [{name: c}]", "linux.resources.unified",
                     [](SpecInput& input) { input.cgroupVersion = linux::CgroupVersion::kV2; }),
            "{\"memory.oom.group\":\"1\"}");
}

TEST(OciSpec, ABlockVolumeIsADeviceThatMayBeUsed) {
  const auto with = [](std::string_view path) {
    return rendered("containers: [{name: c}]", path, [](SpecInput& input) {
      input.blockDevices = {{.path = "/dev/data", .major = 7, .minor = 3, .access = linux::Access::kReadOnly}};
    });
  };
  EXPECT_EQ(with("linux.devices"),
            R"([{"path":"/dev/data","type":"b","major":7,"minor":3,"fileMode":432,"uid":0,"gid":0}])");
  EXPECT_EQ(with("linux.resources.devices"),
            R"([{"allow":false,"access":"rwm"},{"allow":true,"type":"b","major":7,"minor":3,"access":"r"}])");
}

TEST(RootViolation, IsFoundByNumbersAlone) {
  struct Case {
    const char* name;
    const char* pod;
    const char* container;
    const char* imageUser;
    const char* why;  // its beginning; "" for none
  };
  const Case kCases[] = {
      {"nobody minds", "{}", "{}", "", ""},
      {"an image that says nothing is root's", "{runAsNonRoot: true}", "{}", "",
       "container has runAsNonRoot and image will run as root (pod: \"web_default("},
      {"a name may be anybody's", "{runAsNonRoot: true}", "{}", "nginx:www",
       "container has runAsNonRoot and image has non-numeric user (nginx), cannot verify user is non-root (pod: "},
      {"a number is checked", "{runAsNonRoot: true}", "{}", "101:101", ""},
      {"root asked for by number", "{runAsNonRoot: true, runAsUser: 0}", "{}", "101",
       "container's runAsUser breaks non-root policy (pod: "},
      {"another user asked for", "{runAsNonRoot: true, runAsUser: 5}", "{}", "nginx", ""},
      {"the container's word is the last", "{runAsNonRoot: true}", "{runAsNonRoot: false}", "", ""},
      {"also about the user", "{runAsNonRoot: true, runAsUser: 5}", "{runAsUser: 0}", "",
       "container's runAsUser breaks non-root policy (pod: "},
  };
  for (const Case& c : kCases) {
    auto pod = makePod(std::string("securityContext: ") + c.pod +
                       "\ncontainers: [{name: web, securityContext: " + c.container + "}]");
    auto why = findRootViolation(pod, pod.spec().containers()[0], {.user = c.imageUser});
    EXPECT_EQ(why.value_or("").substr(0, std::string_view(c.why).size()), c.why) << c.name;
    EXPECT_EQ(why.has_value(), *c.why != 0) << c.name;
  }
}

TEST(ContainerUser, MergesGroupsUnlessThePodIsStrict) {
  UserDatabase database{"app:x:100:200::/:/bin/sh\n", "extra:x:300:app\n"};
  auto groups = [&](const char* context) {
    auto pod = makePod(std::string("securityContext: ") + context + "\ncontainers: [{name: web}]");
    auto user = containerUser(pod, pod.spec().containers()[0], {.user = "app"}, database);
    return std::to_string(user.uid) + ":" + std::to_string(user.gid) + " " +
           ::testing::PrintToString(user.additionalGids);
  };
  EXPECT_EQ(groups("{supplementalGroups: [400], fsGroup: 500}"), "100:200 { 300, 400, 500 }");
  EXPECT_EQ(groups("{supplementalGroups: [400], supplementalGroupsPolicy: Strict}"), "100:200 { 400 }");
  EXPECT_EQ(groups("{runAsGroup: 7}"), "100:7 { 300 }");
}

}  // namespace
}  // namespace wherry::kubelet
