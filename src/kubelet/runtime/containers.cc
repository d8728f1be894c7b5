#include "kubelet/runtime/containers.h"

#include <algorithm>
#include <filesystem>

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault_point.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/utf8.h"
#include "kubelet/logs/container_logs.h"
#include "kubelet/logs/log_files.h"
#include "kubelet/runtime/start_error.h"
#include "kubelet/runtime/termination_message.h"
#include "linux/mounts.h"

namespace wherry::kubelet {
namespace {

namespace fs = std::filesystem;

constexpr int kKilled = 128 + SIGKILL;
constexpr int kStartError = 128;  // of a container that never ran
constexpr size_t kUidLength = 36;

std::vector<fs::path> entriesOf(const fs::path& directory) {
  std::vector<fs::path> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) out.push_back(entry.path());
  return out;
}

std::string recordFile(const std::string& directory) { return directory + "/record.json"; }

std::string reasonOf(const ContainerExit& exit) {
  if (exit.outOfMemory && exit.code != 0) return "OOMKilled";
  return exit.code == 0 ? "Completed" : "Error";
}

}  // namespace

Containers::Containers(std::string dataDir, std::string runDir, const Crun& crun, const base::Clock& clock,
                       ContainerLogs* logs)
    : dataDir_(std::move(dataDir)), runDir_(std::move(runDir)), crun_(crun), clock_(clock), logs_(logs) {}

std::string Containers::directoryOf(const ContainerRecord& record) const {
  return pathsOf(record.podUid).container(record.name, record.attempt);
}

std::string Containers::cgroupOf(const ContainerRecord& record) const {
  return pathsOf(record.podUid).containerCgroup(record.name, record.attempt);
}

std::string Containers::terminationLog(const ContainerRecord& record) const {
  return directoryOf(record) + "/termination-log";
}

std::optional<std::string> Containers::uidOf(std::string_view id) {
  if (id.size() <= kUidLength || id[kUidLength] != '-') return std::nullopt;
  std::string_view uid = id.substr(0, kUidLength);
  // Other arguments of a runtime's command line, the path of a log for one, may be as long.
  if (uid.find_first_not_of("0123456789abcdef-") != uid.npos) return std::nullopt;
  return std::string(uid);
}

void Containers::save(const ContainerRecord& record) {
  base::writeFileAtomic(recordFile(directoryOf(record)), json::serialize(renderRecord(record)), 0600);
  records_.with([&](Records& all) { all[record.podUid][record.id()] = record; });
}

void Containers::adopt() {
  for (const fs::path& pod : entriesOf(dataDir_ + "/pods")) {
    for (const fs::path& name : entriesOf(pod / "containers")) {
      for (const fs::path& attempt : entriesOf(name)) {
        try {
          adoptAttempt(pod.filename().string(), attempt.string());
        } catch (const std::exception& error) {
          base::Log("kubelet").error("taking over {} failed: {}", attempt.string(), error.what());
        }
      }
    }
  }
}

void Containers::adoptAttempt(const std::string& uid, const std::string& directory) {
  auto text = base::readFileIfExists(recordFile(directory));
  auto record = text ? parseRecord(*text) : std::nullopt;
  fs::path path(directory);
  if (!record || record->state() == ContainerRecord::State::kCreated) {
    // It was never said to run; the next reconcile makes it again.
    std::string id = uid + "-" + path.parent_path().filename().string() + "-" + path.filename().string();
    crun_.abandon(id);
    releaseRuntime(id, directory);
    fs::remove_all(directory);
    return;
  }
  records_.with([&](Records& all) { all[uid][record->id()] = *record; });
  if (record->state() == ContainerRecord::State::kExited) return releaseRuntime(record->id(), directory);
  // While its conmon lives the exit file is there or will be; conmon writes it before it ends.
  bool monitored = crun_.isMonitored(record->id(), directory);
  if (auto exit = crun_.findExit(record->id(), cgroupOf(*record))) return finish(*record, *exit);
  if (monitored) {
    if (logs_) logs_->started(*record, directory);
    return;
  }
  record->reason = "ContainerStatusUnknown";
  record->message = "The container could not be located when the node came back";
  finish(*record, {.code = kKilled, .at = clock_.now()});
}

std::vector<ContainerRecord> Containers::list(std::string_view uid) const {
  std::vector<ContainerRecord> out;
  records_.with([&](const Records& all) {
    auto pod = all.find(uid);
    if (pod == all.end()) return;
    for (const auto& [id, record] : pod->second) out.push_back(record);
  });
  std::sort(out.begin(), out.end(),
            [](auto& a, auto& b) { return std::tie(a.name, a.attempt) < std::tie(b.name, b.attempt); });
  return out;
}

std::vector<ContainerRecord> Containers::listAll() const {
  return records_.with([](const Records& all) {
    std::vector<ContainerRecord> out;
    for (const auto& [uid, records] : all) {
      for (const auto& [id, record] : records) out.push_back(record);
    }
    return out;
  });
}

std::optional<ContainerRecord> Containers::find(std::string_view uid, std::string_view name, int attempt) const {
  for (const ContainerRecord& record : list(uid)) {
    if (record.name == name && record.attempt == attempt) return record;
  }
  return std::nullopt;
}

ContainerRecord Containers::create(const NewContainer& container) {
  ContainerRecord record = container.record;
  record.createdAt = clock_.now();
  std::string directory = directoryOf(record), rootfs = directory + "/rootfs";
  try {
    for (const char* part : {"/upper", "/work", "/rootfs"}) base::makeDirectories(directory + part);
    base::faultPoint("container-directories-made");
    save(record);
    base::faultPoint("container-recorded");
    base::makeDirectories(fs::path(record.log).parent_path().string());
    base::faultPoint("container-log-directory-made");
    base::writeFileAtomic(terminationLog(record), "", 0666);
    linux::mountOverlay({container.lower, directory + "/upper", directory + "/work"}, rootfs);
    base::faultPoint("container-root-mounted");
    json::Value spec = container.spec(rootfs);
    if (const json::Value* user = json::find(spec, "process.user")) record.user = user->as_object();
    base::writeFileAtomic(directory + "/config.json", json::serialize(spec), 0600);
    base::faultPoint("container-spec-written");
  } catch (...) {
    discard(record, directory);
    throw;
  }
  runOrFail(record, [&] {
    crun_.create(
        {record.id(), record.name, directory, record.log, container.terminal, container.stdin, container.stdinOnce});
  });
  base::faultPoint("container-created");
  return record;
}

// What the runtime refuses to run, mostly a program that isn't in the image, was an attempt like any other: it has an
// end, and the next one waits its time.
void Containers::runOrFail(const ContainerRecord& record, const std::function<void()>& step) {
  try {
    step();
  } catch (const StartError& error) {
    ContainerRecord failed = record;
    failed.reason = "StartError";
    failed.message = error.what();
    finish(failed, {.code = kStartError, .at = clock_.now()});
    throw;
  } catch (...) {
    discard(record, directoryOf(record));
    throw;
  }
}

ContainerRecord Containers::start(const ContainerRecord& created) {
  ContainerRecord record = created;
  runOrFail(record, [&] { crun_.start(record.id()); });
  base::faultPoint("container-started");
  record.startedAt = clock_.now();
  save(record);
  base::faultPoint("container-start-recorded");
  if (logs_) logs_->started(record, directoryOf(record));
  return record;
}

base::Fd Containers::openPidNamespace(const ContainerRecord& record) const {
  return crun_.openPidNamespace(directoryOf(record), cgroupOf(record));
}

bool Containers::signal(const ContainerRecord& record, int number) const {
  return crun_.signal(directoryOf(record), cgroupOf(record), number);
}

base::Finished Containers::exec(const ContainerRecord& record, const std::vector<std::string>& argv,
                                std::chrono::milliseconds timeout, std::stop_token stop) const {
  return crun_.exec(record.id(), argv, timeout, std::move(stop));
}

base::Fd Containers::openMonitor(const ContainerRecord& record) const {
  return crun_.openMonitor(record.id(), directoryOf(record));
}

bool Containers::observeExits(std::string_view uid) {
  bool any = false;
  for (const ContainerRecord& record : list(uid)) {
    if (record.state() != ContainerRecord::State::kRunning) continue;
    // In this order: a conmon writes the exit file before it ends.
    bool monitored = crun_.isMonitored(record.id(), directoryOf(record));
    auto exit = crun_.findExit(record.id(), cgroupOf(record));
    if (!exit && monitored) continue;
    if (exit) {
      finish(record, *exit);
    } else {
      ContainerRecord lost = record;
      lost.message = "The container was killed because its monitor, conmon, had ended";
      finish(lost, {.code = kKilled, .at = clock_.now()});
    }
    any = true;
  }
  return any;
}

void Containers::finish(ContainerRecord record, const ContainerExit& exit) {
  base::faultPoint("container-exit-seen");
  record.finishedAt = exit.at;
  if (!record.startedAt) record.startedAt = base::WallTime{};  // never
  record.exitCode = exit.code;
  if (record.reason.empty()) record.reason = reasonOf(exit);
  if (record.message.empty()) record.message = readTerminationMessage(terminationLog(record));
  if (record.message.empty() && record.fallbackToLogs && exit.code != 0)
    record.message = messageFromLogFile(record.log);
  record.message = base::toUtf8(record.message);
  save(record);
  base::faultPoint("container-exit-recorded");
  if (logs_) logs_->ended(record);
  releaseRuntime(record.id(), directoryOf(record));
}

// Only the record stays.
void Containers::releaseRuntime(const std::string& id, const std::string& directory) const {
  crun_.remove(id);
  base::faultPoint("container-deleted");
  crun_.waitUnmonitored(id, directory);
  base::faultPoint("conmon-gone");
  linux::unmount(directory + "/rootfs");
  base::faultPoint("container-root-unmounted");
  for (const fs::path& entry : entriesOf(directory)) {
    if (entry.filename() != "record.json") fs::remove_all(entry);
  }
  base::faultPoint("container-files-removed");
  crun_.forgetExit(id);
  base::faultPoint("container-exit-forgotten");
}

void Containers::removeLogs(const ContainerRecord& record) const {
  if (logs_) return logs_->removed(record);
  removeLogFiles(record.log);
}

void Containers::discard(const ContainerRecord& record, const std::string& directory) {
  try {
    releaseRuntime(record.id(), directory);
    fs::remove_all(directory);
    removeLogs(record);
  } catch (const std::exception& error) {
    base::Log("kubelet").warn("clearing {} failed, the next start does it: {}", directory, error.what());
  }
  records_.with([&](Records& all) { all[record.podUid].erase(record.id()); });
}

void Containers::remove(const ContainerRecord& record) {
  std::string directory = directoryOf(record);
  releaseRuntime(record.id(), directory);
  fs::remove_all(directory);
  removeLogs(record);
  records_.with([&](Records& all) { all[record.podUid].erase(record.id()); });
}

void Containers::removeAll(std::string_view uid) {
  for (const ContainerRecord& record : list(uid)) {
    releaseRuntime(record.id(), directoryOf(record));
    removeLogs(record);
  }
  for (const std::string& id : crun_.list()) {
    if (uidOf(id) == uid) crun_.remove(id);
  }
  records_.with([&](Records& all) {
    if (auto pod = all.find(uid); pod != all.end()) all.erase(pod);
  });
}

}  // namespace wherry::kubelet
