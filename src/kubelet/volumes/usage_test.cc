#include "kubelet/volumes/usage.h"

#include <filesystem>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "kubelet/testing/pod_fixture.h"
#include "kubelet/testing/test_host.h"

namespace wherry::kubelet {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPod = R"(
containers:
- {name: web, resources: {limits: {ephemeral-storage: 10Ki}}}
- {name: log, resources: {limits: {ephemeral-storage: 20Ki}}}
initContainers: [{name: init, resources: {limits: {ephemeral-storage: 15Ki}}}]
volumes:
- {name: disk, emptyDir: {sizeLimit: 8Ki}}
- {name: free, emptyDir: {}}
- {name: memory, emptyDir: {medium: Memory, sizeLimit: 4Ki}}
- {name: settings, configMap: {name: c}}
- {name: keys, secret: {secretName: s}}
)";

DiskUsage kib(uint64_t count) { return {count << 10, 1}; }

TEST(Excess, IsOfVolumesThenOfThePodThenOfContainers) {
  struct Case {
    const char* name;
    EphemeralUsage usage;
    std::string message;
  };
  const std::vector<Case> cases = {
      {"nothing is used", {}, "none"},
      {"as much as there may be is not too much",
       {.layers = {{"web", kib(5)}}, .logs = {{"web", kib(5)}}, .volumes = {{"disk", kib(8)}, {"memory", kib(4)}}},
       "none"},
      {"a volume on disk",
       {.volumes = {{"disk", kib(9)}}},
       "Usage of EmptyDir volume \"disk\" exceeds the limit \"8Ki\". "},
      {"a volume in memory",
       {.volumes = {{"memory", kib(5)}}},
       "Usage of EmptyDir volume \"memory\" exceeds the limit \"4Ki\". "},
      {"volumes without a limit count for the pod",
       {.layers = {{"web", kib(6)}}, .volumes = {{"free", kib(25)}}},
       "Pod ephemeral local storage usage exceeds the total limit of containers 30Ki. "},
      {"so does what ConfigMaps have on disk",
       {.volumes = {{"settings", kib(31)}}},
       "Pod ephemeral local storage usage exceeds the total limit of containers 30Ki. "},
      {"but not what is in memory", {.volumes = {{"keys", kib(31)}}}, "none"},
      {"a container's layer and logs together",
       {.layers = {{"web", kib(6)}}, .logs = {{"web", kib(5)}}},
       "Container web exceeded its local ephemeral storage limit \"10Ki\". "},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(decideExcess(makePod(kPod), c.usage).value_or("none"), c.message) << c.name;
  }
  EphemeralUsage much{.layers = {{"web", kib(1000)}}, .volumes = {{"v", kib(1000)}}};
  EXPECT_EQ(decideExcess(makePod("containers: [{name: web}]\nvolumes: [{name: v, emptyDir: {}}]"), much), std::nullopt);
}

TEST(Excess, ConcernsPodsWithALimitAlone) {
  EXPECT_TRUE(limitsEphemeral(makePod(kPod)));
  EXPECT_TRUE(limitsEphemeral(makePod("containers: [{name: a}]\nvolumes: [{name: v, emptyDir: {sizeLimit: '1'}}]")));
  EXPECT_FALSE(
      limitsEphemeral(makePod("containers: [{name: a, resources: {limits: {memory: '1'}}}]\nvolumes: [{name: v}]")));
}

TEST(MeasureDirectory, CountsBlocksOnceAndFollowsNoLink) {
  TestDirectory directory;
  const std::string root = directory.path() + "/v", outside = directory.path() + "/outside";
  fs::create_directories(root + "/a/b");
  fs::create_directories(outside);
  base::writeFileAtomic(outside + "/large", std::string(1 << 20, 'x'));
  const DiskUsage before = measureDirectory(root);
  EXPECT_EQ(before.inodes, 3u);
  base::writeFileAtomic(root + "/a/b/file", std::string(100'000, 'x'));
  fs::create_hard_link(root + "/a/b/file", root + "/again");
  fs::create_directory_symlink(outside, root + "/link");
  const DiskUsage after = measureDirectory(root);
  EXPECT_EQ(after.inodes, 5u);  // the file and the link
  EXPECT_GE(after.bytes - before.bytes, 100'000u);
  EXPECT_LT(after.bytes - before.bytes, 200'000u);
  EXPECT_EQ(measureDirectory(directory.path() + "/missing"), DiskUsage{});
  EXPECT_EQ(measureDirectory(root + "/link"), DiskUsage{});
}

TEST(MeasureEphemeral, KnowsWhereAPodWrites) {
  TestDirectory directory;
  const auto paths = PodPaths::of(directory.data(), directory.run(), kTestUid);
  const std::string logs = directory.path() + "/logs";
  const auto write = [](const std::string& path) {
    fs::create_directories(fs::path(path).parent_path());
    base::writeFileAtomic(path, std::string(50'000, 'x'));
  };
  write(paths.container("web", 0) + "/upper/x");
  write(paths.container("web", 1) + "/upper/x");
  write(paths.container("web", 1) + "/rootfs/x");
  write(logs + "/log/0.log");
  write(paths.volume("free") + "/x");
  write(paths.volume("memory") + "/x");
  const auto pod = makePod(kPod);
  const EphemeralUsage usage = measureEphemeral(pod, paths, logs);
  EXPECT_GE(usage.layers.at("web").bytes, 100'000u);
  EXPECT_LT(usage.layers.at("web").bytes, 150'000u);
  EXPECT_EQ(usage.layers.at("log").bytes, 0u);
  EXPECT_GE(usage.logs.at("log").bytes, 50'000u);
  EXPECT_GE(usage.volumes.at("memory").bytes, 50'000u);
  EXPECT_GE(usage.onDisk(pod).bytes, 200'000u);
  EXPECT_LT(usage.onDisk(pod).bytes, 250'000u);
}

}  // namespace
}  // namespace wherry::kubelet
