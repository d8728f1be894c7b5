#include "kubelet/images/image_store.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/encoding.h"
#include "base/fd.h"
#include "kubelet/images/image_garbage.h"
#include "kubelet/images/oci_archive.h"
#include "kubelet/testing/archive.h"

namespace wherry::kubelet {
namespace {

namespace fs = std::filesystem;

std::string blobName(const std::string& content) { return "blobs/sha256/" + base::sha256Hex(content); }

std::string descriptor(const std::string& content, const std::string& type, const std::string& more = {}) {
  return R"({"mediaType":"application/vnd.oci.image.)" + type + R"(","digest":"sha256:)" + base::sha256Hex(content) +
         R"(","size":)" + std::to_string(content.size()) + more + "}";
}

// An OCI archive of one image with this layer; `diffIds` is what its config says of it, by default the truth of a layer
// that is not compressed.
void writeImage(const std::string& file, const std::string& name, const std::string& layer,
                std::optional<std::string> diffIds = {}) {
  if (!diffIds) diffIds = "\"sha256:" + base::sha256Hex(layer) + "\"";
  std::string config =
      R"({"architecture":"amd64","os":"linux","config":{"Env":["PATH=/bin"],"Cmd":["sh"],"StopSignal":"SIGQUIT"},)"
      R"("rootfs":{"type":"layers","diff_ids":[)" +
      *diffIds + "]}}";
  std::string manifest = R"({"schemaVersion":2,"config":)" + descriptor(config, "config.v1+json") + R"(,"layers":[)" +
                         descriptor(layer, "layer.v1.tar+gzip") + "]}";
  std::string named = R"(,"annotations":{"org.opencontainers.image.ref.name":")" + name + "\"}";
  writeTar(file, {{"oci-layout", R"({"imageLayoutVersion":"1.0.0"})"},
                  {blobName(config), config},
                  {blobName(layer), layer},
                  {blobName(manifest), manifest},
                  {"../evil", "outside"},
                  {"index.json",
                   R"({"schemaVersion":2,"manifests":[)" + descriptor(manifest, "manifest.v1+json", named) + "]}"}});
}

bool isRoot() { return ::geteuid() == 0; }

TEST(ImageStore, AnImportedArchiveIsFoundByItsShortNameAlsoAfterARestart) {
  if (!isRoot()) GTEST_SKIP() << "unpacking layers needs root";
  Scratch scratch;
  writeTar(scratch / "layer.tar", {{"bin/", "", S_IFDIR}, {"bin/sh", "shell"}});
  writeImage(scratch / "image.tar", "docker.io/library/busybox:latest", base::readFile(scratch / "layer.tar"));
  {
    ImageStore store(scratch / "data");
    auto images = store.importArchive(scratch / "image.tar");
    ASSERT_EQ(images.size(), 1u);
    EXPECT_EQ(images[0].config.cmd, std::vector<std::string>{"sh"});
  }
  ImageStore again(scratch / "data");
  auto image = again.find("busybox");
  ASSERT_TRUE(image);
  EXPECT_EQ(image->config.stopSignal, "SIGQUIT");
  EXPECT_EQ(image->source, ImageSource::kImported);
  EXPECT_EQ(image->imageId(), "docker.io/library/busybox@" + image->manifestDigest);
  auto lower = again.lowerDirectories(*image);
  ASSERT_EQ(lower.size(), 1u);
  EXPECT_EQ(base::readFile(lower[0] + "/bin/sh"), "shell");
  EXPECT_FALSE(fs::exists(scratch / "evil"));
}

TEST(ImageStore, ARemovedImageTakesItsBlobsAndLayersWithItButNotThoseOfOthers) {
  if (!isRoot()) GTEST_SKIP() << "unpacking layers needs root";
  Scratch scratch;
  writeTar(scratch / "layer.tar", {{"file", "one"}});
  writeImage(scratch / "image.tar", "a:1", base::readFile(scratch / "layer.tar"));
  ImageStore store(scratch / "data");
  store.importArchive(scratch / "image.tar");
  auto second = store.importArchive(scratch / "image.tar", "b:1");
  EXPECT_TRUE(store.remove("a:1"));
  EXPECT_FALSE(store.remove("a:1"));
  EXPECT_TRUE(fs::exists(store.lowerDirectories(second[0])[0] + "/file"));
  EXPECT_TRUE(store.remove("b:1"));
  EXPECT_TRUE(fs::is_empty(scratch / "data/layers"));
  EXPECT_TRUE(fs::is_empty(scratch / "data/images/blobs/sha256"));
}

TEST(ImageStore, ABlobThatIsNotWhatItsNameSaysIsRefused) {
  Scratch scratch;
  writeTar(scratch / "bad.tar",
           {{"oci-layout", "{}"}, {"blobs/sha256/" + std::string(64, 'a'), "other"}, {"index.json", "{}"}});
  ImageStore store(scratch / "data");
  EXPECT_THROW(store.importArchive(scratch / "bad.tar"), std::runtime_error);
  EXPECT_TRUE(store.list().empty());
}

TEST(ImageStore, ALayerMustBeTheOneThatTheConfigNames) {
  if (!isRoot()) GTEST_SKIP() << "unpacking layers needs root";
  Scratch scratch;
  writeTar(scratch / "layer.tar", {{"file", "one"}});
  writeTar(scratch / "layer.tar.zst", {{"file", "one"}}, Compression::kZstd);
  std::string truth = "\"sha256:" + base::sha256Hex(base::readFile(scratch / "layer.tar")) + "\"";
  std::string other = "sha256:" + std::string(64, 'a');
  struct Case {
    const char *name, *layer;
    std::string diffIds, error;
  };
  const Case cases[] = {
      {"a layer that is compressed with zstd", "layer.tar.zst", truth, ""},
      {"a layer that is not compressed", "layer.tar", truth, ""},
      {"another layer", "layer.tar", "\"" + other + "\"",
       "layer is not the one that the image's config names in rootfs.diff_ids: unpacked it is " +
           truth.substr(1, truth.size() - 2) + ", not " + other},
      {"no layer", "layer.tar", "", "image has 1 layers in its manifest and 0 in its config (rootfs.diff_ids)"},
  };
  for (const Case& c : cases) {
    fs::remove_all(scratch / "data");
    ImageStore store(scratch / "data");
    writeImage(scratch / "image.tar", "a:1", base::readFile(scratch / c.layer), c.diffIds);
    std::string error;
    try {
      auto images = store.importArchive(scratch / "image.tar");
      EXPECT_EQ(base::readFile(store.lowerDirectories(images[0])[0] + "/file"), "one") << c.name;
    } catch (const std::runtime_error& caught) {
      error = caught.what();
    }
    EXPECT_EQ(error, c.error) << c.name;
    EXPECT_EQ(fs::is_empty(scratch / "data/layers"), !c.error.empty()) << c.name;
  }
}

TEST(ImageStore, WhatIsNoArchiveIsRefused) {
  Scratch scratch;
  std::ofstream(scratch / "text") << "hello";
  ImageStore store(scratch / "data");
  EXPECT_THROW(store.importArchive(scratch / "text"), std::runtime_error);
  EXPECT_THROW(store.importArchive(scratch / "missing"), std::runtime_error);
}

// As a pull does it.
Image pull(ImageStore& store, const std::string& archive, const char* name, const std::string& login = {}) {
  auto staging = store.newStaging();
  json::Value index = extractOciArchive(archive, staging->blobs());
  base::writeFileAtomic(staging->layout() + "/index.json", json::serialize(index));
  return store.adopt(*staging, name, ImageSource::kPulled, {}, login);
}

TEST(ImageStore, WhatAFailedImportBroughtIsGone) {
  if (!isRoot()) GTEST_SKIP() << "unpacking layers needs root";
  Scratch scratch;
  writeImage(scratch / "image.tar", "a:1", "this is no layer");
  ImageStore store(scratch / "data");
  EXPECT_THROW(store.importArchive(scratch / "image.tar"), std::runtime_error);
  for (const char* directory : {"data/layers", "data/images/blobs/sha256", "data/images/scratch"}) {
    EXPECT_TRUE(fs::is_empty(scratch / directory)) << directory;
  }
}

TEST(ImageStore, WhatAKillLeftIsGoneAfterTheNextStart) {
  if (!isRoot()) GTEST_SKIP() << "unpacking layers needs root";
  Scratch scratch;
  writeTar(scratch / "layer.tar", {{"file", "one"}});
  writeImage(scratch / "image.tar", "a:1", base::readFile(scratch / "layer.tar"));
  { ImageStore(scratch / "data").importArchive(scratch / "image.tar"); }
  std::string orphan(64, 'a');
  fs::create_directories(scratch / "data/layers/.incoming-x/etc");
  fs::create_directories(scratch / "data/layers/" + orphan);
  fs::create_directories(scratch / "data/images/scratch/x/blobs");
  std::ofstream(scratch / "data/images/blobs/sha256/" + orphan) << "x";
  ImageStore store(scratch / "data");
  EXPECT_EQ(std::distance(fs::directory_iterator(scratch / "data/layers"), {}), 1);
  EXPECT_EQ(std::distance(fs::directory_iterator(scratch / "data/images/blobs/sha256"), {}), 3);
  EXPECT_TRUE(fs::is_empty(scratch / "data/images/scratch"));
  EXPECT_TRUE(store.find("a:1"));
}

TEST(ImageStore, RemembersWhoseLoginAnImageWasPulledBy) {
  if (!isRoot()) GTEST_SKIP() << "unpacking layers needs root";
  Scratch scratch;
  writeTar(scratch / "layer.tar", {{"file", "one"}});
  writeImage(scratch / "image.tar", "a:1", base::readFile(scratch / "layer.tar"));
  {
    ImageStore store(scratch / "data");
    pull(store, scratch / "image.tar", "a:1", "mine");
    store.allow("a:1", "yours");
  }
  ImageStore store(scratch / "data");
  EXPECT_EQ(store.find("a:1")->logins, (std::vector<std::string>{"mine", "yours"}));
  store.allow("a:1", "");
  EXPECT_TRUE(store.find("a:1")->logins.empty()) << "the registry gives it to everybody";
}

TEST(ImageGarbage, MakesRoomByTheLongestUnusedAndLeavesWhatIsInUseOrImported) {
  if (!isRoot()) GTEST_SKIP() << "unpacking layers needs root";
  Scratch scratch;
  base::ManualClock clock;
  ImageStore store(scratch / "data", clock);
  for (const char* name : {"old:1", "used:1", "new:1"}) {
    writeTar(scratch / "layer.tar", {{name, std::string(2 << 20, name[0])}});
    writeImage(scratch / "image.tar", name, base::readFile(scratch / "layer.tar"));
    pull(store, scratch / "image.tar", name);
    clock.advance(std::chrono::minutes(1));
  }
  writeTar(scratch / "layer.tar", {{"mine", "x"}});
  writeImage(scratch / "image.tar", "mine:1", base::readFile(scratch / "layer.tar"));
  store.importArchive(scratch / "image.tar");
  std::string used = store.find("used:1")->imageId();
  ImageGarbage garbage(
      store, [&] { return std::set<std::string>{used}; }, [](const std::string&) {}, clock);
  garbage.makeRoom(1);
  EXPECT_FALSE(store.find("old:1"));
  EXPECT_TRUE(store.find("new:1")) << "it is too young";
  clock.advance(std::chrono::minutes(5));
  garbage.makeRoom(UINT64_MAX / 2);
  EXPECT_FALSE(store.find("new:1"));
  EXPECT_TRUE(store.find("used:1"));
  EXPECT_TRUE(store.find("mine:1"));
  EXPECT_EQ(garbage.prune(ImageGarbage::Prune::kAll), std::vector<std::string>{"docker.io/library/mine:1"});
}

}  // namespace
}  // namespace wherry::kubelet
