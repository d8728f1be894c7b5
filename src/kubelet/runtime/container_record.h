// What is known of one attempt to run a container, kept in a file beside its bundle. It is written before anything is
// made, so that whatever a crash leaves behind can be found and cleared; it need not survive a power cut, since then
// nothing it tells of runs any more.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/clock.h"
#include "json/value.h"

namespace wherry::kubelet {

enum class ContainerKind { kInit, kSidecar, kRegular, kEphemeral };

struct ContainerRecord {
  std::string podUid;
  std::string name;
  int attempt = 0;
  ContainerKind kind = ContainerKind::kRegular;
  int sandboxAttempt = 0;  // of the pod's sandbox it ran in
  std::string image;       // as the pod names it
  std::string imageId;     // as status shows it
  std::string stopSignal;
  std::string log;
  json::Object user;                   // its process's, as an OCI config has it: uid, gid, additionalGids
  std::string specHash;                // of what can't change while it runs: another one means another container
  bool fallbackToLogs = false;         // terminationMessagePolicy: FallbackToLogsOnError
  std::chrono::seconds crashDelay{0};  // to be waited after its end before the next attempt

  base::WallTime createdAt;
  std::optional<base::WallTime> startedAt;
  std::optional<base::WallTime> finishedAt;
  int exitCode = 0;
  std::string reason;   // of its end: "Completed", "Error", "OOMKilled", "StartError", ...
  std::string message;  // its termination message

  enum class State { kCreated, kRunning, kExited };
  State state() const;

  // "<pod uid>-<name>-<attempt>": crun's and conmon's name for it.
  std::string id() const;
};

json::Value renderRecord(const ContainerRecord& record);
// Nothing when the text is no record (the crash came while it was written for the first time).
std::optional<ContainerRecord> parseRecord(std::string_view text);

}  // namespace wherry::kubelet
