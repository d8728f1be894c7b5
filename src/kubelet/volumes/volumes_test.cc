#include "kubelet/volumes/volumes.h"

#include <filesystem>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/random.h"
#include "kubelet/testing/pod_fixture.h"
#include "kubelet/testing/test_host.h"
#include "kubelet/volumes/atomic_writer.h"
#include "kubelet/volumes/host_path.h"

namespace wherry::kubelet {
namespace {

namespace fs = std::filesystem;

meta::ObjectPtr object(std::string_view yaml) { return std::make_shared<const meta::Object>(json::parseYaml(yaml)); }

ObjectLookup lookup() {
  return {.configMap = [](auto, auto name) -> meta::ObjectPtr {
            if (name != "settings") return nullptr;
            return object("metadata: {name: settings}\ndata: {a: one, b: two}\nbinaryData: {c: AAE=}");
          },
          .secret = [](auto, auto name) -> meta::ObjectPtr {
            if (name != "keys") return nullptr;
            return object("metadata: {name: keys}\ndata: {password: c2VjcmV0}");
          },
          .services = [](auto) { return std::vector<meta::ObjectPtr>(); }};
}

// The files of a volume as "path mode content" lines, or why there are none.
std::vector<std::string> files(const std::string& volume) {
  auto pod = makePod("volumes:\n- " + volume, "labels: {app: shop, tier: web}");
  std::vector<std::string> out;
  try {
    auto token = [](const core_v1::ServiceAccountTokenProjection&) { return std::optional<std::string>("token"); };
    for (const auto& [path, file] :
         volumePayload(pod, pod.spec().volumes()[0], {.podIp = "10.244.0.7"}, lookup(), token)) {
      char mode[8];
      std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(file.mode));
      out.push_back(path + " " + mode + " " + file.content);
    }
  } catch (const ConfigError& error) {
    out = {std::string("error: ") + error.what()};
  }
  return out;
}

using Lines = std::vector<std::string>;

TEST(Payload, OfConfigMapsAndSecrets) {
  EXPECT_EQ(files("{name: v, configMap: {name: settings}}"),
            (Lines{"a 0644 one", "b 0644 two", std::string("c 0644 \0\1", 9)}));
  EXPECT_EQ(files("{name: v, configMap: {name: settings, defaultMode: 256, items: [{key: a, path: x/y}, {key: b, path: "
                  "z, mode: 384}]}}"),
            (Lines{"x/y 0400 one", "z 0600 two"}));
  EXPECT_EQ(files("{name: v, secret: {secretName: keys}}"), (Lines{"password 0644 secret"}));
}

TEST(Payload, OfWhatIsMissing) {
  EXPECT_EQ(files("{name: v, configMap: {name: other}}"), (Lines{"error: configmap \"other\" not found"}));
  EXPECT_EQ(files("{name: v, configMap: {name: other, optional: true}}"), (Lines{}));
  EXPECT_EQ(files("{name: v, secret: {secretName: keys, items: [{key: x, path: y}]}}"),
            (Lines{"error: references non-existent secret key: x"}));
  EXPECT_EQ(files("{name: v, configMap: {name: settings, items: [{key: a, path: ../x}]}}"),
            (Lines{"error: invalid path in a volume: ../x"}));
}

TEST(Payload, OfThePodItselfAndOfAllTogether) {
  EXPECT_EQ(files("{name: v, downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}, "
                  "{path: ip, fieldRef: {fieldPath: status.podIP}}]}}"),
            (Lines{"ip 0644 10.244.0.7", "labels 0644 app=\"shop\"\ntier=\"web\""}));
  EXPECT_EQ(files("{name: v, projected: {sources: [{configMap: {name: settings, items: [{key: a, path: a}]}}, "
                  "{secret: {name: keys}}, {serviceAccountToken: {path: token}}]}}"),
            (Lines{"a 0644 one", "password 0644 secret", "token 0644 token"}));
}

TEST(UsesObject, InVolumesAndEnvironment) {
  auto pod = makePod(
      "containers: [{name: web, envFrom: [{secretRef: {name: e}}], env: [{name: A, valueFrom: {configMapKeyRef: {name: "
      "k, key: x}}}]}]\n"
      "volumes: [{name: v, configMap: {name: c}}, {name: p, projected: {sources: [{secret: {name: s}}]}}]");
  EXPECT_TRUE(usesObject(pod, SourceKind::kConfigMap, "c"));
  EXPECT_TRUE(usesObject(pod, SourceKind::kConfigMap, "k"));
  EXPECT_TRUE(usesObject(pod, SourceKind::kSecret, "s"));
  EXPECT_TRUE(usesObject(pod, SourceKind::kSecret, "e"));
  EXPECT_FALSE(usesObject(pod, SourceKind::kSecret, "c"));
}

TEST(AtomicWriter, SwapsAllFilesAtOnceAndLeavesWhatIsRightAlone) {
  TestDirectory directory;
  std::string volume = directory.path() + "/v";
  EXPECT_TRUE(writePayload(volume, {{"a", {"one", 0644}}, {"d/b", {"two", 0400}}}));
  EXPECT_FALSE(writePayload(volume, {{"a", {"one", 0644}}, {"d/b", {"two", 0400}}}));
  EXPECT_EQ(base::readFile(volume + "/d/b"), "two");
  EXPECT_EQ(fs::read_symlink(volume + "/a"), "..data/a");
  std::string before = fs::read_symlink(volume + "/..data").string();
  EXPECT_TRUE(writePayload(volume, {{"a", {"new", 0600}}}));
  EXPECT_EQ(base::readFile(volume + "/a"), "new");
  EXPECT_FALSE(fs::exists(fs::symlink_status(volume + "/d")));
  EXPECT_FALSE(fs::exists(volume + "/" + before));
  struct stat status {};
  ASSERT_EQ(::stat((volume + "/a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
}

TEST(HostPath, IsCheckedAgainstItsType) {
  TestDirectory directory;
  std::string path = directory.path() + "/x";
  EXPECT_THROW(ensureHostPath(path, "Directory"), std::runtime_error);
  EXPECT_THROW(ensureHostPath(path, "File"), std::runtime_error);
  ensureHostPath(path, "FileOrCreate");
  ensureHostPath(path, "File");
  EXPECT_THROW(ensureHostPath(path, "DirectoryOrCreate"), std::runtime_error);
  ensureHostPath(directory.path() + "/new/dir", "DirectoryOrCreate");
  EXPECT_TRUE(fs::is_directory(directory.path() + "/new/dir"));
}

class SubPathTest : public ::testing::Test {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_HOST();
    volume_ = paths().volume("v");
    fs::create_directories(volume_);
  }

  PodPaths paths() const { return PodPaths::of(directory_.data(), directory_.run(), kTestUid); }

  std::vector<ContainerMount> mounts(const std::string& mount) const {
    auto pod = makePod("containers: [{name: web, volumeMounts: [" + mount + "]}]\nvolumes: [{name: v, emptyDir: {}}]");
    return volumeMounts(pod, pod.spec().containers()[0], paths(), {}, {});
  }

  TestDirectory directory_;
  std::string volume_;
};

TEST_F(SubPathTest, LeadsToThePartOfTheVolumeAndMakesItWhenMissing) {
  auto found = mounts("{name: v, mountPath: /x, subPath: a/b}");
  base::writeFileAtomic(volume_ + "/a/b/file", "inside");
  EXPECT_EQ(base::readFile(found[0].source + "/file"), "inside");
}

TEST_F(SubPathTest, NeverLeavesTheVolumeWhateverLinksLieInIt) {
  base::writeFileAtomic(directory_.path() + "/secret", "secret");
  fs::create_symlink(directory_.path(), volume_ + "/out");
  fs::create_symlink("../../../../../../../../", volume_ + "/up");
  EXPECT_ANY_THROW(mounts("{name: v, mountPath: /x, subPath: out/secret}"));  // leads nowhere inside the volume
  auto found = mounts("{name: v, mountPath: /x, subPath: up/etc/passwd}");
  EXPECT_TRUE(fs::is_directory(found[0].source));
  EXPECT_TRUE(fs::is_directory(volume_ + "/etc/passwd"));  // made inside, since there was none
  EXPECT_THROW(mounts("{name: v, mountPath: /x, subPath: ../x}"), ConfigError);
  EXPECT_THROW(mounts("{name: v, mountPath: /x, subPath: /etc}"), ConfigError);
}

}  // namespace
}  // namespace wherry::kubelet
