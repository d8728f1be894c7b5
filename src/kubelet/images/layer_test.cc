#include "kubelet/images/layer.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/encoding.h"
#include "base/fd.h"
#include "kubelet/testing/archive.h"

namespace wherry::kubelet {
namespace {

namespace fs = std::filesystem;

bool isRoot() { return ::geteuid() == 0; }

bool isOpaque(const std::string& path) {
  char value[2] = {};
  return ::lgetxattr(path.c_str(), "trusted.overlay.opaque", value, sizeof value) == 1 && value[0] == 'y';
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

// What unpacking says of each, and that nothing outside is touched.
struct Hostile {
  const char* name;
  std::vector<Member> members;
  const char* error;  // a part of it; "" when the harmless part is taken
};

TEST(Layer, HostileArchivesTouchNothingOutsideAndSayWhatIsWrong) {
  if (!isRoot()) GTEST_SKIP() << "unpacking layers needs root";
  Scratch scratch;
  fs::create_directory(scratch / "outside");
  std::ofstream(scratch / "outside/victim") << "intact";
  std::string outside = scratch / "outside", victim = outside + "/victim";
  const Hostile cases[] = {
      {"a path that climbs", {{"../outside/x", "evil"}}, "leaves its directory"},
      {"a path that climbs on the way", {{"a/b/../../../outside/x", "evil"}}, "leaves its directory"},
      {"an absolute path", {{victim, "evil"}}, ""},
      {"a hard link that climbs", {{"copy", "", S_IFREG, "", "../outside/victim"}}, "leaves its directory"},
      {"a hard link by an absolute path", {{"copy", "", S_IFREG, "", victim}}, "hard link"},
      {"a hard link through a link to the outside",
       {{"up", "", S_IFLNK, outside}, {"copy", "", S_IFREG, "", "up/victim"}},
       "hard link"},
      {"a hard link to a directory", {{"d", "", S_IFDIR}, {"copy", "", S_IFREG, "", "d"}}, "hard link to a directory"},
      {"a link, and a file in its place", {{"f", "", S_IFLNK, victim}, {"f", "evil"}}, ""},
      {"a link, and a directory in its place",
       {{"d", "", S_IFLNK, outside}, {"d", "", S_IFDIR}, {"d/victim", "evil"}},
       ""},
      {"a link, and files below it", {{"d", "", S_IFLNK, outside}, {"d/victim", "evil"}}, "layer directory d"},
      {"links in a circle", {{"a", "", S_IFLNK, "b"}, {"b", "", S_IFLNK, "a"}, {"a/x", "evil"}}, "Too many levels"},
      {"a whiteout of what is above", {{"d", "", S_IFDIR}, {"d/.wh...", ""}}, ""},
      {"a whiteout below a link", {{"up", "", S_IFLNK, outside}, {"up/.wh.victim", ""}}, "layer directory up"},
      {"an opaque mark below a link", {{"up", "", S_IFLNK, outside}, {"up/.wh..wh..opq", ""}}, "layer directory up"},
      {"a name that is too long", {{std::string(300, 'n'), "x"}}, "File name too long"},
      {"a file where a directory must be", {{"f", "x"}, {"f/g", "y"}}, "Not a directory"},
      {"no name at all", {{"./", "", S_IFDIR}, {"/", "", S_IFDIR}}, ""},
  };
  for (const Hostile& c : cases) {
    std::string out = scratch / "out", error;
    fs::remove_all(out);
    fs::create_directory(out);
    writeTar(scratch / "layer.tar", c.members);
    try {
      unpackLayer(scratch / "layer.tar", out);
    } catch (const std::exception& caught) {
      error = caught.what();
    }
    EXPECT_EQ(error.empty(), *c.error == 0) << c.name << ": " << error;
    EXPECT_NE(error.find(c.error), std::string::npos) << c.name << ": " << error;
    EXPECT_EQ(base::readFile(victim), "intact") << c.name;
    EXPECT_FALSE(isOpaque(outside)) << c.name;
    EXPECT_EQ(std::distance(fs::directory_iterator(outside), {}), 1) << c.name;
  }
}

TEST(Layer, BrokenArchivesAreRefused) {
  if (!isRoot()) GTEST_SKIP() << "unpacking layers needs root";
  Scratch scratch;
  fs::create_directory(scratch / "out");
  writeTar(scratch / "whole.tgz", {{"a", std::string(100'000, 'x')}}, Compression::kGzip);
  std::string whole = base::readFile(scratch / "whole.tgz");
  std::ofstream(scratch / "cut.tgz") << whole.substr(0, whole.size() / 2);
  EXPECT_THROW(unpackLayer(scratch / "cut.tgz", scratch / "out"), std::runtime_error);
  std::string damaged = whole;
  damaged[damaged.size() / 2] ^= 0x55;
  std::ofstream(scratch / "damaged.tgz") << damaged;
  EXPECT_THROW(unpackLayer(scratch / "damaged.tgz", scratch / "out"), std::runtime_error);
  std::ofstream(scratch / "text") << "no archive at all";
  EXPECT_THROW(unpackLayer(scratch / "text", scratch / "out"), std::runtime_error);
}

TEST(Layer, IsTheSameHoweverItIsCompressed) {
  if (!isRoot()) GTEST_SKIP() << "unpacking layers needs root";
  Scratch scratch;
  const std::vector<Member> members = {{"bin/", "", S_IFDIR}, {"bin/sh", std::string(300'000, 's')}};
  writeTar(scratch / "plain", members);
  writeTar(scratch / "gzip", members, Compression::kGzip);
  writeTar(scratch / "zstd", members, Compression::kZstd);
  std::string diffId = "sha256:" + base::sha256Hex(base::readFile(scratch / "plain"));
  for (const char* name : {"plain", "gzip", "zstd"}) {
    std::string out = scratch / (std::string("out-") + name);
    fs::create_directory(out);
    EXPECT_EQ(unpackLayer(scratch / name, out), diffId) << name;
    EXPECT_EQ(base::readFile(out + "/bin/sh"), members[1].content) << name;
  }
}

TEST(Layer, WhatFollowsTheArchiveBelongsToItsDiffIdAndHasALimit) {
  if (!isRoot()) GTEST_SKIP() << "unpacking layers needs root";
  Scratch scratch;
  fs::create_directory(scratch / "out");
  writeTar(scratch / "layer.tar", {{"a", "x"}});
  std::string padded = base::readFile(scratch / "layer.tar") + std::string(1 << 20, '\0');
  std::ofstream(scratch / "padded.tar") << padded;
  EXPECT_EQ(unpackLayer(scratch / "padded.tar", scratch / "out"), "sha256:" + base::sha256Hex(padded));
  std::ofstream(scratch / "padded.tar") << padded << std::string(17 << 20, '\0');
  EXPECT_THROW(unpackLayer(scratch / "padded.tar", scratch / "out"), std::runtime_error);
}

TEST(Layer, ABombIsStoppedAtTheLimit) {
  if (!isRoot()) GTEST_SKIP() << "unpacking layers needs root";
  Scratch scratch;
  fs::create_directory(scratch / "out");
  writeTar(scratch / "bomb.tgz", {{"zeros", std::string(20'000'000, '\0')}}, Compression::kGzip);
  EXPECT_LT(fs::file_size(scratch / "bomb.tgz"), 100'000u);
  EXPECT_THROW(unpackLayer(scratch / "bomb.tgz", scratch / "out", {.maxBytes = 1'000'000}), std::runtime_error);
  EXPECT_LE(fs::file_size(scratch / "out/zeros"), 1'000'000u);
}

TEST(Layer, WhatALayerBringsAndHidesAtOnceStays) {
  if (!isRoot()) GTEST_SKIP() << "whiteouts need root";
  Scratch scratch;
  fs::create_directory(scratch / "out");
  writeTar(scratch / "layer.tar", {{"f", "new"},
                                   {".wh.f", ""},
                                   {"d", "", S_IFDIR},
                                   {"d/x", "new"},
                                   {".wh.d", ""},
                                   {".wh.e", ""},
                                   {"e", "", S_IFDIR},
                                   {".wh.g", ""},
                                   {"g", "new"}});
  unpackLayer(scratch / "layer.tar", scratch / "out");
  EXPECT_EQ(base::readFile(scratch / "out/f"), "new");
  EXPECT_EQ(base::readFile(scratch / "out/d/x"), "new");
  EXPECT_TRUE(isOpaque(scratch / "out/d")) << "what lower layers have in d is hidden";
  EXPECT_TRUE(isOpaque(scratch / "out/e")) << "also when the whiteout came first";
  EXPECT_EQ(base::readFile(scratch / "out/g"), "new");
}

TEST(Layer, AFileMayTakeThePlaceOfAWholeDirectory) {
  if (!isRoot()) GTEST_SKIP() << "unpacking layers needs root";
  Scratch scratch;
  fs::create_directory(scratch / "out");
  writeTar(scratch / "layer.tar",
           {{"a/b/c/d", "deep"}, {"a/l", "", S_IFLNK, "/"}, {"a", "now a file"}, {"s", "x", S_IFREG, "", "", 04755}});
  unpackLayer(scratch / "layer.tar", scratch / "out");
  EXPECT_EQ(base::readFile(scratch / "out/a"), "now a file");
  EXPECT_NE(fs::status(scratch / "out/s").permissions() & fs::perms::set_uid, fs::perms::none) << "ping needs it";
}

}  // namespace
}  // namespace wherry::kubelet
