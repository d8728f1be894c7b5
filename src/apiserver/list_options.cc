#include "apiserver/list_options.h"

#include <fmt/format.h>

#include "apiserver/field_labels.h"
#include "base/encoding.h"
#include "base/strings.h"
#include "json/value.h"

namespace wherry::apiserver {
namespace {

// More than any client waits, and as nanoseconds still a number that a clock can count.
constexpr std::chrono::seconds kMaxTimeout = std::chrono::years(10);
constexpr size_t kMaxSelectorBytes = 64 * 1024;
constexpr std::string_view kTokenVersion = "meta.k8s.io/v1";

meta::StatusError invalidOptions(meta::FieldErrors errors) {
  return meta::invalid({"meta.k8s.io", "v1", "ListOptions"}, "", errors);
}

int64_t parseNumber(const Query& query, std::string_view name) {
  auto text = query.get(name);
  if (text.empty()) return 0;
  auto number = base::parseInt<int64_t>(text);
  if (!number) {
    throw meta::badRequest(fmt::format("strconv.ParseInt: parsing \"{}\": invalid syntax", text.substr(0, 64)));
  }
  return *number;
}

void parseSelectors(ListOptions& options, const Query& query) {
  auto labels = query.get("labelSelector");
  auto fields = query.get("fieldSelector");
  if (labels.size() > kMaxSelectorBytes || fields.size() > kMaxSelectorBytes) {
    throw meta::badRequest("the selector is too long");
  }
  if (!labels.empty()) options.labels = meta::LabelSelector::parse(labels);
  if (!fields.empty()) options.fields = meta::FieldSelector::parse(fields);
}

void parseVersion(ListOptions& options, const RequestInfo& info) {
  options.resourceVersion = info.query.get("resourceVersion");
  if (options.resourceVersion.empty()) return;
  auto number = base::parseInt<int64_t>(options.resourceVersion);
  if (number && *number >= 0) {
    options.revision = *number;
    return;
  }
  auto words = fmt::format("strconv.ParseUint: parsing \"{}\": invalid syntax", options.resourceVersion.substr(0, 64));
  if (info.verb == Verb::kWatch) throw meta::StatusError(500, "", words);
  throw meta::badRequest(fmt::format("Invalid value: \"{}\": {}", options.resourceVersion.substr(0, 64), words));
}

void parseMatch(ListOptions& options, const Query& query) {
  auto match = query.get("resourceVersionMatch");
  if (match == "NotOlderThan") options.match = VersionMatch::kNotOlderThan;
  if (match == "Exact") options.match = VersionMatch::kExact;
}

void forbid(meta::FieldErrors& errors, const char* field, const char* why) {
  errors.push_back(meta::forbiddenField(field, why));
}

// All that is wrong, in upstream's order: that of its words where several apply.
void checkListMatch(const ListOptions& options, meta::FieldErrors& errors) {
  if (options.resourceVersion.empty()) {
    forbid(errors, "resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided");
  }
  if (!options.continueToken.empty()) {
    forbid(errors, "resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided");
  }
}

void checkWatchMatch(const ListOptions& options, meta::FieldErrors& errors) {
  if (!options.hasSendInitialEvents) {
    forbid(errors, "resourceVersionMatch",
           "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
  }
}

meta::FieldErrors checkVersion(const ListOptions& options, const std::string& match, bool isWatch) {
  meta::FieldErrors errors;
  if (isWatch && options.hasSendInitialEvents && options.match != VersionMatch::kNotOlderThan) {
    forbid(errors, "resourceVersionMatch", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
  }
  if (!match.empty()) {
    isWatch ? checkWatchMatch(options, errors) : checkListMatch(options, errors);
    if (options.match == VersionMatch::kUnset) {
      errors.push_back(
          meta::notSupportedField("resourceVersionMatch", json::Value(match), {"Exact", "NotOlderThan", ""}));
    }
    if (isWatch && !options.continueToken.empty()) {
      forbid(errors, "resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided");
    }
    if (!isWatch && options.match == VersionMatch::kExact && options.resourceVersion == "0") {
      forbid(errors, "resourceVersionMatch", "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
    }
  }
  if (!isWatch && options.hasSendInitialEvents) {
    forbid(errors, "sendInitialEvents", "sendInitialEvents is forbidden for list");
  }
  return errors;
}

}  // namespace

ListOptions parseListOptions(const schema::Kind& kind, const RequestInfo& info) {
  ListOptions options;
  const auto& query = info.query;
  parseSelectors(options, query);
  if (!info.name.empty()) options.fields = meta::FieldSelector::parse("metadata.name=" + info.name);
  requireSelectable(kind, options.fields);
  options.limit = static_cast<size_t>(std::max<int64_t>(0, parseNumber(query, "limit")));
  options.continueToken = query.get("continue");
  if (auto seconds = parseNumber(query, "timeoutSeconds"); seconds > 0) {
    options.timeout = std::min(std::chrono::seconds(seconds), kMaxTimeout);
  }
  options.allowBookmarks = query.flag("allowWatchBookmarks");
  options.hasSendInitialEvents = query.has("sendInitialEvents");
  options.sendInitialEvents = query.flag("sendInitialEvents");
  parseVersion(options, info);
  parseMatch(options, query);
  bool isWatch = info.verb == Verb::kWatch;
  auto errors = checkVersion(options, std::string(query.get("resourceVersionMatch")), isWatch);
  if (!errors.empty()) throw invalidOptions(std::move(errors));
  if (!isWatch && !options.continueToken.empty() && !options.resourceVersion.empty() && options.revision != 0) {
    throw meta::badRequest("specifying resource version is not allowed when using continue");
  }
  return options;
}

std::string encodeContinuation(const Continuation& continuation) {
  json::Object token{{"v", kTokenVersion}, {"rv", continuation.revision}, {"start", continuation.after}};
  return base::encodeBase64(json::serialize(token), base::Base64::kUrl);
}

Continuation decodeContinuation(std::string_view token) {
  auto refuse = [](std::string_view why) {
    return meta::badRequest(fmt::format("invalid continue token: continue key is not valid{}", why));
  };
  json::Value tree;
  try {
    auto text = base::decodeBase64(token, base::Base64::kUrl);
    if (!text) throw refuse(": illegal base64 data");
    tree = json::parse(*text);
  } catch (const json::ParseError& error) {
    throw refuse(fmt::format(": {}", error.what()));
  }
  if (auto version = json::getString(tree, "v"); version != kTokenVersion) {
    throw refuse(fmt::format(": server does not recognize this encoded version \"{}\"", version.substr(0, 64)));
  }
  Continuation continuation{json::getInt(tree, "rv"), std::string(json::getString(tree, "start"))};
  if (continuation.revision == 0) {
    throw refuse(": incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
  }
  if (continuation.after.empty()) throw refuse(": encoded start key empty (version meta.k8s.io/v1)");
  return continuation;
}

}  // namespace wherry::apiserver
