#include "apiserver/telemetry/metrics_page.h"

#include <array>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include "apiserver/stored_form.h"
#include "apiserver/telemetry/request_metrics.h"

namespace wherry::apiserver {
namespace {

using base::metrics::Format;
using base::metrics::renderLabels;
using base::metrics::renderRead;

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double countOpenFiles() {
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  double count = -3;  // ".", ".." and the folder itself
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

// proc(5): the fields after the program's name, which may hold anything but ends with the last ')'.
std::vector<double> readStat() {
  std::ifstream file("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  auto end = text.rfind(')');
  std::vector<double> fields;
  if (end == std::string::npos) return fields;
  std::istringstream rest(text.substr(std::min(end + 4, text.size())));
  for (double field = 0; rest >> field;) fields.push_back(field);
  return fields;
}

double readBootTime() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("btime ")) return std::atof(line.c_str() + 6);
  }
  return 0;
}

void renderProcess(Format format, std::string& to) {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  auto one = [&](const char* name, const char* type, const char* help, double value) {
    renderRead(format, name, type, help, {{"", value}}, to);
  };
  one("process_cpu_seconds_total", "counter", "User and system time.",
      seconds(usage.ru_utime) + seconds(usage.ru_stime));
  one("process_max_fds", "gauge", "Files that may be open.", static_cast<double>(files.rlim_cur));
  one("process_open_fds", "gauge", "Files that are open.", countOpenFiles());
  constexpr size_t kStartTime = 18, kVirtualBytes = 19, kResidentPages = 20;  // fields 22 to 24 of stat, after three
  auto stat = readStat();
  if (stat.size() <= kResidentPages) return;
  one("process_resident_memory_bytes", "gauge", "Memory in RAM.",
      stat[kResidentPages] * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  one("process_start_time_seconds", "gauge", "When the process started, in seconds since 1970.",
      readBootTime() + stat[kStartTime] / static_cast<double>(::sysconf(_SC_CLK_TCK)));
  one("process_virtual_memory_bytes", "gauge", "Memory that is mapped.", stat[kVirtualBytes]);
}

void renderObjects(const Backend& backend, Format format, std::string& to) {
  static constexpr std::array<std::string_view, 1> kOld = {"resource"};
  static constexpr std::array<std::string_view, 2> kNew = {"group", "resource"};
  std::map<std::string, double> old, now;
  auto kinds = backend.kinds();
  for (const auto& kind : kinds->kinds()) {
    if (kind->virtualKind) continue;
    auto resource = storedResource(*kind);
    auto count = static_cast<double>(backend.store.count(resourcePrefix(resource)));
    std::string text = resource.text();
    old[renderLabels(kOld, std::array<std::string_view, 1>{text})] = count;
    now[renderLabels(kNew, std::array<std::string_view, 2>{resource.group, resource.resource})] = count;
  }
  renderRead(format, "apiserver_storage_objects", "gauge", "Stored objects, by resource.", {old.begin(), old.end()},
             to);
  renderRead(format, "apiserver_resource_objects", "gauge", "Stored objects, by group and resource.",
             {now.begin(), now.end()}, to);
}

void renderBuild(Format format, std::string& to) {
  static constexpr std::array<std::string_view, 3> kNames = {"git_version", "major", "minor"};
  static constexpr std::array<std::string_view, 3> kValues = {"v1.36.0+wherry" WHERRY_VERSION, "1", "36"};
  renderRead(format, "kubernetes_build_info", "gauge", "The version, as labels of the number 1.",
             {{renderLabels(kNames, kValues), 1}}, to);
}

}  // namespace

net::Response metricsAnswer(const Backend& backend, std::span<const base::metrics::FamilyBase* const> others,
                            std::string_view accept) {
  Format format = base::metrics::chooseFormat(accept);
  std::string page;
  for (const auto* family : requestFamilies()) family->render(format, page);
  for (const auto* family : others) family->render(format, page);
  renderObjects(backend, format, page);
  renderBuild(format, page);
  renderProcess(format, page);
  page += base::metrics::pageEnd(format);
  return net::Response::text(200, std::string(base::metrics::contentType(format)), std::move(page));
}

}  // namespace wherry::apiserver
