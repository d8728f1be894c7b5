#include "kubelet/csi/csi_expansion.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "meta/quantity.h"
#include "meta/time.h"

namespace wherry::kubelet {
namespace {

using core_v1::PersistentVolume;
using core_v1::PersistentVolumeClaim;

constexpr std::array<std::string_view, 4> kConditions{"Resizing", "FileSystemResizePending", "ControllerResizeError",
                                                      "NodeResizeError"};
constexpr const char* kInfeasible = "NodeResizeInfeasible";
// Of gRPC. The first will never be otherwise; after the second the driver may still be at it.
constexpr std::array<int, 3> kNever{3, 5, 11};  // InvalidArgument, NotFound, OutOfRange
constexpr std::array<int, 6> kUnknown{-1, 1, 4, 8,
                                      10, 14};  // Cancelled, DeadlineExceeded, ResourceExhausted, Aborted, Unavailable

template <typename List, typename T>
bool has(const List& list, const T& wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

int64_t storageOf(const schema::StringMap& capacity) {
  auto parsed = meta::Quantity::parse(capacity.get("storage"));
  return parsed ? parsed->value() : 0;
}

std::string_view stepOf(const PersistentVolumeClaim& claim) {
  return claim.status().allocatedResourceStatuses().get("storage");
}

json::Value statusPatch(const PersistentVolumeClaim& claim, json::Object status) {
  return json::Object{{"metadata", json::Object{{"uid", claim.metadata().uid()}}}, {"status", std::move(status)}};
}

json::Value stepIs(const json::Value& step) { return json::Object{{"storage", step}}; }

}  // namespace

int64_t wantedExpansion(const PersistentVolumeClaim& claim, const PersistentVolume& volume) {
  if (!claim || !volume || stepOf(claim) == kInfeasible) return 0;
  const int64_t has = storageOf(claim.status().capacity()), may = storageOf(volume.spec().capacity());
  return has > 0 && may > has ? may : 0;
}

std::optional<json::Value> expansionBegun(const PersistentVolumeClaim& claim) {
  if (stepOf(claim).empty() || stepOf(claim) == "NodeResizeInProgress") return std::nullopt;
  return statusPatch(claim, {{"allocatedResourceStatuses", stepIs("NodeResizeInProgress")}});
}

json::Value expansionDone(const PersistentVolumeClaim& claim, int64_t bytes) {
  json::Array conditions;
  for (auto condition : claim.status().conditions()) {
    if (!has(kConditions, condition.type())) conditions.push_back(condition.tree());
  }
  const auto size = meta::Quantity::of(bytes, meta::Quantity::Format::kBinarySI).text();
  return statusPatch(claim, {{"capacity", json::Object{{"storage", size}}},
                             {"conditions", std::move(conditions)},
                             {"allocatedResourceStatuses", nullptr}});
}

std::optional<json::Value> expansionFailed(const PersistentVolumeClaim& claim, int code, std::string_view message,
                                           base::WallTime now) {
  if (has(kUnknown, code)) return std::nullopt;
  json::Array conditions;
  for (auto condition : claim.status().conditions()) {
    if (condition.type() != "NodeResizeError") conditions.push_back(condition.tree());
  }
  conditions.push_back(json::Object{{"type", "NodeResizeError"},
                                    {"status", "True"},
                                    {"lastProbeTime", nullptr},
                                    {"lastTransitionTime", meta::formatTime(now)},
                                    {"message", fmt::format("failed to expand pvc with {}", message)}});
  json::Object status{{"conditions", std::move(conditions)}};
  if (has(kNever, code)) status["allocatedResourceStatuses"] = stepIs(kInfeasible);
  return statusPatch(claim, std::move(status));
}

}  // namespace wherry::kubelet
