#include "kubelet/images/image_store.h"

#include <filesystem>
#include <fstream>

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/encoding.h"
#include "base/fd.h"
#include "base/random.h"
#include "kubelet/images/layer.h"

namespace wherry::kubelet {
namespace {

namespace fs = std::filesystem;

class Scratch {
 public:
  Scratch() : path_("/var/tmp/wherry-image-test-" + base::randomSuffix(8)) { fs::create_directories(path_); }
  ~Scratch() { fs::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Member {
  std::string path;
  std::string content;
  mode_t type = S_IFREG;
  std::string link;  // of a symbolic link
  std::string hardlink;
};

void writeTar(const std::string& file, const std::vector<Member>& members, bool gzip = false) {
  archive* out = ::archive_write_new();
  if (gzip) ::archive_write_add_filter_gzip(out);
  ::archive_write_set_format_pax_restricted(out);
  ::archive_write_open_filename(out, file.c_str());
  for (const Member& member : members) {
    archive_entry* entry = ::archive_entry_new();
    ::archive_entry_set_pathname(entry, member.path.c_str());
    ::archive_entry_set_filetype(entry, member.type);
    ::archive_entry_set_perm(entry, member.type == S_IFDIR ? 0755 : 0644);
    ::archive_entry_set_size(entry, static_cast<la_int64_t>(member.content.size()));
    if (!member.link.empty()) ::archive_entry_set_symlink(entry, member.link.c_str());
    if (!member.hardlink.empty()) ::archive_entry_set_hardlink(entry, member.hardlink.c_str());
    ::archive_write_header(out, entry);
    ::archive_write_data(out, member.content.data(), member.content.size());
    ::archive_entry_free(entry);
  }
  ::archive_write_close(out);
  ::archive_write_free(out);
}

std::string blobName(const std::string& content) { return "blobs/sha256/" + base::sha256Hex(content); }

std::string descriptor(const std::string& content, const std::string& type, const std::string& more = {}) {
  return R"({"mediaType":"application/vnd.oci.image.)" + type + R"(","digest":"sha256:)" + base::sha256Hex(content) +
         R"(","size":)" + std::to_string(content.size()) + more + "}";
}

// An OCI archive of one image with this layer.
void writeImage(const std::string& file, const std::string& name, const std::string& layer) {
  std::string config =
      R"({"architecture":"amd64","os":"linux","config":{"Env":["PATH=/bin"],"Cmd":["sh"],"StopSignal":"SIGQUIT"}})";
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
  writeTar(scratch / "layer.tgz", {{"bin/", "", S_IFDIR}, {"bin/sh", "shell"}}, true);
  writeImage(scratch / "image.tar", "docker.io/library/busybox:latest", base::readFile(scratch / "layer.tgz"));
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

TEST(ImageStore, WhatIsNoArchiveIsRefused) {
  Scratch scratch;
  std::ofstream(scratch / "text") << "hello";
  ImageStore store(scratch / "data");
  EXPECT_THROW(store.importArchive(scratch / "text"), std::runtime_error);
  EXPECT_THROW(store.importArchive(scratch / "missing"), std::runtime_error);
}

TEST(Layer, WhiteoutsBecomeWhatOverlayfsUnderstands) {
  if (!isRoot()) GTEST_SKIP() << "whiteouts need root";
  Scratch scratch;
  writeTar(scratch / "layer.tar", {{"etc/.wh.gone", ""}, {"var/.wh..wh..opq", ""}, {"var/new", "x"}});
  fs::create_directory(scratch / "out");
  unpackLayer(scratch / "layer.tar", scratch / "out");
  struct stat status {};
  ASSERT_EQ(::lstat((scratch / "out/etc/gone").c_str(), &status), 0);
  EXPECT_TRUE(S_ISCHR(status.st_mode));
  EXPECT_EQ(status.st_rdev, 0u);
  char value[2] = {};
  EXPECT_EQ(::lgetxattr((scratch / "out/var").c_str(), "trusted.overlay.opaque", value, sizeof value), 1);
  EXPECT_EQ(value[0], 'y');
}

TEST(Layer, NothingIsWrittenOutsideWhateverTheArchiveSays) {
  if (!isRoot()) GTEST_SKIP() << "unpacking layers needs root";
  Scratch scratch;
  fs::create_directory(scratch / "outside");
  fs::create_directory(scratch / "out");
  writeTar(scratch / "climb.tar", {{"a/../../outside/x", "evil"}});
  EXPECT_THROW(unpackLayer(scratch / "climb.tar", scratch / "out"), std::runtime_error);

  writeTar(scratch / "links.tar", {{"abs", "", S_IFLNK, scratch / "outside"},
                                   {"rel", "", S_IFLNK, "../../../../../../" + (scratch / "outside")},
                                   {scratch / "outside/y", "becomes relative"}});
  unpackLayer(scratch / "links.tar", scratch / "out");
  writeTar(scratch / "through.tar", {{"up", "", S_IFLNK, "/"}, {"up/inside", "x"}, {"abs/x", "evil"}});
  unpackLayer(scratch / "through.tar", scratch / "out");
  EXPECT_EQ(base::readFile(scratch / "out/inside"), "x");

  std::ofstream(scratch / "secret") << "secret";
  writeTar(scratch / "hard.tar", {{"copy", "", S_IFREG, "", scratch / "secret"}});
  EXPECT_ANY_THROW(unpackLayer(scratch / "hard.tar", scratch / "out"));
  EXPECT_TRUE(fs::is_empty(scratch / "outside"));
}

TEST(Layer, DeviceNodesAreLeftOutAndALaterEntryReplacesAnEarlierOne) {
  if (!isRoot()) GTEST_SKIP() << "unpacking layers needs root";
  Scratch scratch;
  fs::create_directory(scratch / "out");
  writeTar(scratch / "layer.tar",
           {{"dev/sda", "", S_IFBLK}, {"f", "first"}, {"f", "second"}, {"g", "", S_IFREG, "", "f"}});
  unpackLayer(scratch / "layer.tar", scratch / "out");
  EXPECT_FALSE(fs::exists(scratch / "out/dev/sda"));
  EXPECT_EQ(base::readFile(scratch / "out/g"), "second");
}

TEST(Layer, AnArchiveAboveTheLimitsIsRefused) {
  if (!isRoot()) GTEST_SKIP() << "unpacking layers needs root";
  Scratch scratch;
  fs::create_directory(scratch / "out");
  writeTar(scratch / "layer.tar", {{"a", std::string(1000, 'x')}, {"b", "y"}});
  EXPECT_THROW(unpackLayer(scratch / "layer.tar", scratch / "out", {.maxBytes = 100}), std::runtime_error);
  EXPECT_THROW(unpackLayer(scratch / "layer.tar", scratch / "out", {.maxEntries = 1}), std::runtime_error);
}

}  // namespace
}  // namespace wherry::kubelet
