#include "apiserver/audit/log.h"

#include <algorithm>
#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/fd.h"

namespace wherry::apiserver::audit {
namespace {

namespace fs = std::filesystem;

class AuditLog : public testing::Test {
 protected:
  AuditLog() { fs::create_directories(folder_); }
  ~AuditLog() override { fs::remove_all(folder_); }

  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

  fs::path folder_ = fs::temp_directory_path() / ("audit-" + std::to_string(::getpid()));
  std::string path_ = folder_ / "audit.log";
};

TEST_F(AuditLog, LinesAreInTheFileWhenItIsClosedAndItIsAddedTo) {
  openLog({.path = path_})->write("one\n");
  openLog({.path = path_})->write("two\n");
  EXPECT_EQ(base::readFile(path_), "one\ntwo\n");
}

TEST_F(AuditLog, AFullFileIsPutAsideAndOldOnesAreRemoved) {
  const std::string line(700 * 1024, 'x');
  for (int i = 0; i < 4; ++i) openLog({.path = path_, .maxSizeMegabytes = 1, .maxBackups = 2})->write(line);
  auto names = files();
  ASSERT_EQ(names.size(), 3U);
  EXPECT_TRUE(names[0].starts_with("audit-20")) << names[0];
  EXPECT_EQ(names[2], "audit.log");
}

TEST_F(AuditLog, AFolderThatIsNotThereIsTold) {
  EXPECT_THROW(openLog({.path = folder_ / "none" / "audit.log"}), std::system_error);
}

}  // namespace
}  // namespace wherry::apiserver::audit
