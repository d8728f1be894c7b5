#include "kubelet/runtime/container_record.h"

#include <iterator>

#include <fmt/format.h>

#include "meta/time.h"

namespace wherry::kubelet {
namespace {

// In the order of ContainerKind.
constexpr std::string_view kKinds[] = {"init", "sidecar", "regular", "ephemeral"};

std::optional<base::WallTime> timeAt(const json::Value& record, std::string_view key) {
  std::string_view text = json::getString(record, key);
  return text.empty() ? std::nullopt : meta::parseTime(text);
}

ContainerKind parseKind(std::string_view text) {
  for (int kind = 0; kind < static_cast<int>(std::size(kKinds)); ++kind) {
    if (text == kKinds[kind]) return static_cast<ContainerKind>(kind);
  }
  return ContainerKind::kRegular;
}

}  // namespace

ContainerRecord::State ContainerRecord::state() const {
  if (finishedAt) return State::kExited;
  return startedAt ? State::kRunning : State::kCreated;
}

std::string ContainerRecord::id() const { return fmt::format("{}-{}-{}", podUid, name, attempt); }

json::Value renderRecord(const ContainerRecord& record) {
  json::Object out{{"podUid", record.podUid},
                   {"name", record.name},
                   {"attempt", record.attempt},
                   {"kind", kKinds[static_cast<int>(record.kind)]},
                   {"sandboxAttempt", record.sandboxAttempt},
                   {"fallbackToLogs", record.fallbackToLogs},
                   {"image", record.image},
                   {"imageId", record.imageId},
                   {"stopSignal", record.stopSignal},
                   {"log", record.log},
                   {"user", record.user},
                   {"specHash", record.specHash},
                   {"crashDelaySeconds", record.crashDelay.count()},
                   {"createdAt", meta::formatMicroTime(record.createdAt)}};
  if (record.startedAt) out["startedAt"] = meta::formatMicroTime(*record.startedAt);
  if (record.finishedAt) {
    out["finishedAt"] = meta::formatMicroTime(*record.finishedAt);
    out["exitCode"] = record.exitCode;
    out["reason"] = record.reason;
    out["message"] = record.message;
  }
  return out;
}

std::optional<ContainerRecord> parseRecord(std::string_view text) {
  json::Value tree;
  try {
    tree = json::parse(text);
  } catch (const json::ParseError&) {
    return std::nullopt;
  }
  auto createdAt = timeAt(tree, "createdAt");
  if (!createdAt || json::getString(tree, "name").empty()) return std::nullopt;
  auto field = [&](std::string_view key) { return std::string(json::getString(tree, key)); };
  const json::Value* user = json::find(tree, "user");
  return ContainerRecord{.podUid = field("podUid"),
                         .name = field("name"),
                         .attempt = static_cast<int>(json::getInt(tree, "attempt")),
                         .kind = parseKind(json::getString(tree, "kind")),
                         .sandboxAttempt = static_cast<int>(json::getInt(tree, "sandboxAttempt")),
                         .image = field("image"),
                         .imageId = field("imageId"),
                         .stopSignal = field("stopSignal"),
                         .log = field("log"),
                         .user = user && user->is_object() ? user->get_object() : json::Object(),
                         .specHash = field("specHash"),
                         .fallbackToLogs = json::getBool(tree, "fallbackToLogs"),
                         .crashDelay = std::chrono::seconds(json::getInt(tree, "crashDelaySeconds")),
                         .createdAt = *createdAt,
                         .startedAt = timeAt(tree, "startedAt"),
                         .finishedAt = timeAt(tree, "finishedAt"),
                         .exitCode = static_cast<int>(json::getInt(tree, "exitCode")),
                         .reason = field("reason"),
                         .message = field("message")};
}

}  // namespace wherry::kubelet
