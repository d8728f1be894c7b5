// ReportArchive: a tar archive that is written file by file, compressed when its name ends with .gz or .tgz. Readable
// by its owner only. Not thread-safe. Failures are std::runtime_error.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace wherry::main {

class ReportArchive {
 public:
  // The file appears under its name when close() has returned; an archive that isn't closed leaves nothing.
  // Every name in it begins with the archive's own, without endings, as tar users expect.
  explicit ReportArchive(std::string path);
  ~ReportArchive();
  ReportArchive(const ReportArchive&) = delete;
  ReportArchive& operator=(const ReportArchive&) = delete;

  void add(const std::string& name, std::string_view content);
  void close();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wherry::main
