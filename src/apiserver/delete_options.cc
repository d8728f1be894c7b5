#include "apiserver/delete_options.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "meta/status.h"

namespace wherry::apiserver {
namespace {

meta::StatusError invalidOptions(meta::FieldError error) {
  return meta::invalid({"meta.k8s.io", "v1", "DeleteOptions"}, "", {std::move(error)});
}

std::optional<client::Propagation> parsePropagation(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (text == "Background") return client::Propagation::kBackground;
  if (text == "Foreground") return client::Propagation::kForeground;
  if (text == "Orphan") return client::Propagation::kOrphan;
  throw invalidOptions(
      meta::notSupportedField("propagationPolicy", json::Value(text), {"Foreground", "Background", "Orphan"}));
}

bool parseDryRun(std::string_view text) {
  if (text.empty()) return false;
  if (text == "All") return true;
  throw invalidOptions(meta::notSupportedField("dryRun", json::Value(text), {"All"}));
}

}  // namespace

ParsedDeleteOptions parseDeleteOptions(const json::Value& body) {
  ParsedDeleteOptions parsed;
  if (!body.is_object()) throw meta::badRequest("DeleteOptions is not an object");
  auto kind = json::getString(body, "kind");
  if (!kind.empty() && kind != "DeleteOptions") {
    throw meta::badRequest(fmt::format("the body of a DELETE must be DeleteOptions, not {}", kind));
  }
  if (const auto* grace = json::find(body, "gracePeriodSeconds"); grace && !grace->is_null()) {
    if (!grace->is_int64() && !grace->is_uint64()) throw meta::badRequest("gracePeriodSeconds is not an integer");
    parsed.options.gracePeriodSeconds = json::getInt(body, "gracePeriodSeconds");
  }
  parsed.options.uid = json::getString(body, "preconditions.uid");
  parsed.options.resourceVersion = json::getString(body, "preconditions.resourceVersion");
  parsed.options.propagation = parsePropagation(json::getString(body, "propagationPolicy"));
  if (const auto* orphan = json::find(body, "orphanDependents"); orphan && orphan->is_bool()) {
    if (parsed.options.propagation) {
      throw invalidOptions(meta::invalidField("propagationPolicy", body.at("propagationPolicy"),
                                              "orphanDependents and deletionPropagation cannot be both set"));
    }
    parsed.options.propagation = orphan->get_bool() ? client::Propagation::kOrphan : client::Propagation::kBackground;
  }
  const auto* dryRun = json::find(body, "dryRun");
  if (dryRun && dryRun->is_array()) {
    for (const auto& each : dryRun->get_array())
      parsed.dryRun = parseDryRun(each.is_string() ? each.get_string() : "?");
  }
  return parsed;
}

ParsedDeleteOptions parseDeleteOptions(const Query& query) {
  ParsedDeleteOptions parsed;
  if (auto text = query.get("gracePeriodSeconds"); !text.empty()) {
    parsed.options.gracePeriodSeconds = base::parseInt<int64_t>(text);
    if (!parsed.options.gracePeriodSeconds) throw meta::badRequest("gracePeriodSeconds is not an integer");
  }
  parsed.options.propagation = parsePropagation(query.get("propagationPolicy"));
  if (auto text = query.get("orphanDependents"); !text.empty() && !parsed.options.propagation) {
    parsed.options.propagation =
        query.flag("orphanDependents") ? client::Propagation::kOrphan : client::Propagation::kBackground;
  }
  parsed.dryRun = parseDryRun(query.get("dryRun"));
  return parsed;
}

}  // namespace wherry::apiserver
