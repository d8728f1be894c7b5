#include "ingress/access_log.h"

#include <filesystem>
#include <memory>

#include <gtest/gtest.h>
#include <unistd.h>

namespace wherry::ingress {
namespace {

namespace fs = std::filesystem;

TEST(AccessLog, TheOldestFileGoes) {
  fs::path directory = fs::path(::testing::TempDir()) / ("access-" + std::to_string(::getpid()));
  std::string path = directory / "log/access.log";
  for (int i = 0; i < 8; ++i) {
    // Its end writes what is in the pipe.
    AccessLog log(path, 12);
    std::string line = "request " + std::to_string(i) + "\n";
    base::writeAll(log.writeEnd(), line, "pipe");
  }
  EXPECT_EQ(base::readFile(path), "request 7\n");
  EXPECT_EQ(base::readFile(path + ".1"), "request 6\n");
  EXPECT_EQ(base::readFile(path + ".4"), "request 3\n");
  EXPECT_FALSE(fs::exists(path + ".5"));
  fs::remove_all(directory);
}

}  // namespace
}  // namespace wherry::ingress
