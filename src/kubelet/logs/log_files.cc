#include "kubelet/logs/log_files.h"

#include <algorithm>
#include <ctime>
#include <filesystem>

#include <fmt/format.h>
#include <unistd.h>

namespace wherry::kubelet {

namespace fs = std::filesystem;

std::string rotatedLogName(std::string_view log, base::WallTime now) {
  auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(now - seconds);
  time_t time = std::chrono::system_clock::to_time_t(seconds);
  tm utc{};
  ::gmtime_r(&time, &utc);
  return fmt::format("{}.{:04}{:02}{:02}-{:02}{:02}{:02}.{:03}", log, utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                     utc.tm_hour, utc.tm_min, utc.tm_sec, millis.count());
}

std::vector<std::string> listLogFiles(const std::string& log) {
  fs::path path(log);
  std::string prefix = path.filename().string() + ".2";  // of a year: conmon's own temporary file is <name>.tmp
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path.parent_path(), error)) {
    if (entry.path().filename().string().starts_with(prefix)) files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  if (fs::exists(path, error)) files.push_back(log);
  return files;
}

void removeOldLogs(const std::string& log, size_t most) {
  auto files = listLogFiles(log);
  if (!files.empty() && files.back() == log) files.pop_back();
  for (size_t i = 0; i + most < files.size(); ++i) ::unlink(files[i].c_str());
}

void removeLogFiles(const std::string& log) {
  removeOldLogs(log, 0);
  ::unlink(log.c_str());
}

}  // namespace wherry::kubelet
