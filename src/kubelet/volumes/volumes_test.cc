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
#include "kubelet/volumes/empty_dir.h"
#include "kubelet/volumes/host_path.h"
#include "kubelet/volumes/object_uses.h"

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

// Mode and owner of a token's file, for the pod's security context and that of its two containers.
std::string tokenFile(const std::string& pod, const std::string& first, const std::string& second) {
  auto made = makePod("{securityContext: " + pod + ", containers: [{name: a, securityContext: " + first +
                      "}, {name: b, securityContext: " + second +
                      "}], volumes: [{name: v, projected: {sources: [{serviceAccountToken: {path: token}}]}}]}");
  auto token = [](const core_v1::ServiceAccountTokenProjection&) { return std::optional<std::string>("token"); };
  VolumeFile file = volumePayload(made, made.spec().volumes()[0], {}, lookup(), token)["token"];
  return (file.mode == 0600 ? "0600 " : "0644 ") + (file.owner ? std::to_string(*file.owner) : "root");
}

TEST(Payload, TokensAreForWhoIsKnownToReadThem) {
  EXPECT_EQ(tokenFile("{}", "{}", "{}"), "0644 root");
  EXPECT_EQ(tokenFile("{runAsUser: 7}", "{}", "{}"), "0600 7");
  EXPECT_EQ(tokenFile("{}", "{runAsUser: 7}", "{runAsUser: 7}"), "0600 7");
  EXPECT_EQ(tokenFile("{}", "{runAsUser: 7}", "{runAsUser: 8}"), "0644 root");
  EXPECT_EQ(tokenFile("{}", "{runAsUser: 7}", "{}"), "0644 root");
  EXPECT_EQ(tokenFile("{fsGroup: 5}", "{}", "{}"), "0600 root");
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
  auto claims = makePod("volumes: [{name: v, persistentVolumeClaim: {claimName: c}}, {name: e, ephemeral: {}}]");
  EXPECT_TRUE(usesObject(claims, SourceKind::kClaim, "c"));
  EXPECT_TRUE(usesObject(claims, SourceKind::kClaim, "web-e"));
  EXPECT_FALSE(usesObject(claims, SourceKind::kClaim, "e"));
  EXPECT_FALSE(usesObject(pod, SourceKind::kSecret, "c"));
}

TEST(DownwardDigest, ChangesWithWhatThePodShowsOfItself) {
  const std::string spec = "volumes: [{name: v, downwardAPI: {items: []}}]\ncontainers: [{name: a, resources: {";
  auto digest = [&](const std::string& resources, const std::string& metadata) {
    return downwardDigest(makePod(spec + resources + "}}]", metadata));
  };
  EXPECT_EQ(downwardDigest(makePod("containers: [{name: a}]", "labels: {a: b}")), 0u);
  EXPECT_EQ(digest("", "labels: {a: b}"), digest("", "labels: {a: b}"));
  EXPECT_NE(digest("", "labels: {a: b}"), digest("", "labels: {a: c}"));
  EXPECT_NE(digest("", "labels: {a: b}"), digest("", "annotations: {a: b}"));
  EXPECT_NE(digest("", ""), digest("limits: {cpu: 1}", ""));
}

TEST(MemoryVolumeSize, IsTheSmallestOfItsOwnLimitAndThatOfThePod) {
  auto size = [](const std::string& limit, const std::string& containers) {
    auto pod = makePod("volumes: [{name: v, emptyDir: {medium: Memory" + limit + "}}]\n" + containers);
    return memoryVolumeSize(pod, pod.spec().volumes()[0].emptyDir());
  };
  const std::string limited =
      "containers: [{name: a, resources: {limits: {memory: '300'}}}, {name: b, resources: {limits: {memory: '200'}}}]";
  EXPECT_EQ(size("", "containers: [{name: a}]"), 0);
  EXPECT_EQ(size(", sizeLimit: '400'", "containers: [{name: a}]"), 400);
  EXPECT_EQ(size("", limited), 500);
  EXPECT_EQ(size(", sizeLimit: '400'", limited), 400);
  EXPECT_EQ(size(", sizeLimit: '600'", limited), 500);
  EXPECT_EQ(size("", limited + "\ninitContainers: [{name: i, resources: {limits: {memory: '700'}}}]"), 700);
  EXPECT_EQ(size("", limited + "\ninitContainers: [{name: i}]"), 0);
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

// As a kill -9 leaves it after the new version stands and before its names do, or before it stands.
TEST(AtomicWriter, FinishesWhatAnEarlierLifeBegan) {
  TestDirectory directory;
  std::string volume = directory.path() + "/v";
  writePayload(volume, {{"a", {"one", 0644}}, {"b", {"two", 0644}}});
  fs::remove(volume + "/a");
  fs::create_symlink("..data/c", volume + "/c");
  fs::create_directory(volume + "/..vhalf");
  EXPECT_FALSE(writePayload(volume, {{"a", {"one", 0644}}, {"b", {"two", 0644}}}));
  EXPECT_EQ(base::readFile(volume + "/a"), "one");
  EXPECT_FALSE(fs::exists(fs::symlink_status(volume + "/c")));
  EXPECT_FALSE(fs::exists(volume + "/..vhalf"));
}

std::string ownership(const std::string& path) {
  struct stat status {};
  ::stat(path.c_str(), &status);
  char text[32];
  std::snprintf(text, sizeof text, "%u:%u %04o", status.st_uid, status.st_gid, status.st_mode & 07777);
  return text;
}

TEST(AtomicWriter, GivesFilesToTheGroupAndTokensToTheirReader) {
  if (::getuid() != 0) GTEST_SKIP() << "not root";
  TestDirectory directory;
  std::string volume = directory.path() + "/v";
  writePayload(volume, {{"a", {"one", 0400}}, {"d/token", {"two", 0600, 7}}}, 2000);
  EXPECT_EQ(ownership(volume + "/a"), "0:2000 0440");
  EXPECT_EQ(ownership(volume + "/d"), "0:2000 2755");
  EXPECT_EQ(ownership(volume + "/d/token"), "7:2000 0640");
  EXPECT_EQ(ownership(volume), "0:2000 2755");
  EXPECT_FALSE(writePayload(volume, {{"a", {"one", 0400}}, {"d/token", {"two", 0600, 7}}}, 2000));
  EXPECT_TRUE(writePayload(volume, {{"a", {"one", 0400}}, {"d/token", {"two", 0600, 8}}}, 2000));
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

  std::vector<ContainerMount> mounts(const std::string& mount, const Environment& environment = {}) const {
    auto pod = makePod("containers: [{name: web, volumeMounts: [" + mount + "]}]\nvolumes: [{name: v, emptyDir: {}}]");
    return volumeMounts(pod, pod.spec().containers()[0], paths(), environment, {});
  }

  TestDirectory directory_;
  std::string volume_;
};

TEST_F(SubPathTest, LeadsToThePartOfTheVolumeAndMakesItWhenMissing) {
  auto found = mounts("{name: v, mountPath: /x, subPath: a/b}");
  base::writeFileAtomic(volume_ + "/a/b/file", "inside");
  EXPECT_EQ(base::readFile(found[0].source + "/file"), "inside");
}

TEST_F(SubPathTest, WhatItMakesIsAsOpenAsTheVolume) {
  fs::permissions(volume_, fs::perms(02777));
  mounts("{name: v, mountPath: /x, subPath: a/b}");
  EXPECT_EQ(ownership(volume_ + "/a").substr(4), "2777");
  EXPECT_EQ(ownership(volume_ + "/a/b").substr(4), "2777");
}

// The first mount of the container's, or why there is none.
std::string wrong(const std::function<void()>& makeMounts) {
  try {
    makeMounts();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "nothing";
}

TEST_F(SubPathTest, MayNameTheContainersVariables) {
  Environment environment;
  environment.set("NAME", "web-0");
  environment.set("EMPTY", "");
  mounts("{name: v, mountPath: /x, subPathExpr: logs/$(NAME)}", environment);
  EXPECT_TRUE(fs::is_directory(volume_ + "/logs/web-0"));
  EXPECT_EQ(wrong([&] { mounts("{name: v, mountPath: /x, subPathExpr: $(OTHER)/$(EMPTY)}", environment); }),
            "missing value for EMPTY, OTHER");
  environment.set("NAME", "../..");
  EXPECT_EQ(wrong([&] { mounts("{name: v, mountPath: /x, subPathExpr: $(NAME)}", environment); }),
            "unable to provision SubPath `../..`: must not contain '..'");
}

TEST_F(SubPathTest, NeverLeavesTheVolumeWhateverLinksLieInIt) {
  base::writeFileAtomic(directory_.path() + "/secret", "secret");
  fs::create_symlink(directory_.path(), volume_ + "/out");
  fs::create_symlink("../../../../../../../../", volume_ + "/up");
  fs::create_symlink("inside", volume_ + "/in");
  fs::create_directory(volume_ + "/inside");
  const char* refused = "failed to prepare subPath for volumeMount \"v\" of container \"web\"";
  EXPECT_EQ(wrong([&] { mounts("{name: v, mountPath: /x, subPath: out/secret}"); }), refused);
  EXPECT_EQ(wrong([&] { mounts("{name: v, mountPath: /x, subPath: out/made}"); }), refused);
  EXPECT_FALSE(fs::exists(directory_.path() + "/made"));
  EXPECT_EQ(wrong([&] { mounts("{name: v, mountPath: /x, subPath: up/etc/passwd}"); }), refused);
  EXPECT_EQ(wrong([&] { mounts("{name: v, mountPath: /x, subPath: in/a}"); }), "nothing");
  EXPECT_EQ(wrong([&] { mounts("{name: v, mountPath: /x, subPath: ../x}"); }),
            "unable to provision SubPath `../x`: must not contain '..'");
  EXPECT_EQ(wrong([&] { mounts("{name: v, mountPath: /x, subPath: /etc}"); }),
            "error SubPath `/etc` must not be an absolute path");
}

}  // namespace
}  // namespace wherry::kubelet
