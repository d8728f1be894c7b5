#include "meta/status.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"

namespace wherry::meta {
namespace {

constexpr size_t kShownBodyBytes = 512;

// {"name", "group", "kind"} without what is empty. `kind` is a resource's name nearly everywhere.
json::Object makeDetails(std::string_view name, std::string_view group, std::string_view kind) {
  json::Object details;
  if (!name.empty()) details["name"] = name;
  if (!group.empty()) details["group"] = group;
  if (!kind.empty()) details["kind"] = kind;
  return details;
}

StatusError aboutObject(int code, std::string reason, std::string message, const GroupResource& resource,
                        std::string_view name) {
  StatusError error(code, std::move(reason), std::move(message));
  error.withDetails(makeDetails(name, resource.group, resource.resource));
  return error;
}

json::Object cause(const FieldError& error) {
  json::Object cause = {{"reason", error.reason()}, {"message", error.message()}};
  if (!error.field.empty()) cause["field"] = error.field;
  return cause;
}

// One message alone, several as [a, b]; the same one is not said twice.
std::string summarize(const FieldErrors& errors) {
  std::vector<std::string> messages;
  for (const FieldError& error : errors) {
    std::string message = error.field.empty() ? error.message() : error.field + ": " + error.message();
    if (std::find(messages.begin(), messages.end(), message) == messages.end()) messages.push_back(std::move(message));
  }
  return messages.size() == 1 ? messages[0] : "[" + base::join(messages, ", ") + "]";
}

StatusError fromStatus(int httpCode, const json::Value& status) {
  StatusError error(static_cast<int>(json::getInt(status, "code", httpCode)),
                    std::string(json::getString(status, "reason")), std::string(json::getString(status, "message")));
  const json::Value* details = json::find(status, "details");
  if (details != nullptr && details->is_object()) error.withDetails(details->get_object());
  if (int64_t seconds = json::getInt(status, "details.retryAfterSeconds")) {
    error.withRetryAfter(static_cast<int>(std::clamp<int64_t>(seconds, 0, 86'400)));
  }
  return error;
}

// The reason that an HTTP status stands for when the body does not say.
std::string reasonOf(int httpCode) {
  switch (httpCode) {
    case 400:
      return "BadRequest";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "NotFound";
    case 405:
      return "MethodNotAllowed";
    case 409:
      return "Conflict";
    case 410:
      return "Expired";
    case 429:
      return "TooManyRequests";
    case 503:
      return "ServiceUnavailable";
    case 504:
      return "Timeout";
    default:
      return httpCode >= 500 ? "InternalError" : "Unknown";
  }
}

std::optional<json::Value> parseStatus(std::string_view body) {
  try {
    json::Value value = json::parse(body);
    if (json::getString(value, "kind") == "Status") return value;
  } catch (const json::ParseError&) {
    // A proxy's HTML page, or plain text.
  }
  return std::nullopt;
}

}  // namespace

StatusError::StatusError(int code, std::string reason, std::string message)
    : code_(code), reason_(std::move(reason)), message_(std::move(message)) {}

StatusError& StatusError::withDetails(json::Object details) {
  details_ = std::move(details);
  hasDetails_ = true;
  return *this;
}

StatusError& StatusError::withRetryAfter(int seconds) {
  retryAfter_ = seconds;
  details_["retryAfterSeconds"] = seconds;
  hasDetails_ = true;
  return *this;
}

json::Value StatusError::toJson() const {
  json::Object status = {{"kind", "Status"},
                         {"apiVersion", "v1"},
                         {"metadata", json::Object()},
                         {"status", "Failure"},
                         {"message", message_}};
  if (!reason_.empty()) status["reason"] = reason_;
  if (hasDetails_) status["details"] = details_;
  status["code"] = code_;
  return status;
}

StatusError StatusError::fromJson(int httpCode, std::string_view body) {
  if (auto status = parseStatus(body)) return fromStatus(httpCode, *status);
  std::string_view shown = base::trim(body.substr(0, kShownBodyBytes));
  return StatusError(httpCode, reasonOf(httpCode),
                     fmt::format("the server answered {}{}{}", httpCode, shown.empty() ? "" : ": ", shown));
}

StatusError badRequest(std::string message) { return StatusError(400, "BadRequest", std::move(message)); }

StatusError unauthorized(std::string message) { return StatusError(401, "Unauthorized", std::move(message)); }

StatusError forbidden(const GroupResource& resource, std::string_view name, std::string why) {
  std::string subject = resource.resource.empty() ? "" : resource.text() + " ";
  if (!subject.empty() && !name.empty()) subject += fmt::format("\"{}\" ", name);
  std::string message = subject.empty() ? "forbidden: " + why : subject + "is forbidden: " + why;
  return aboutObject(403, "Forbidden", std::move(message), resource, name);
}

StatusError notFound(const GroupResource& resource, std::string_view name) {
  return aboutObject(404, "NotFound", fmt::format("{} \"{}\" not found", resource.text(), name), resource, name);
}

StatusError pathNotFound() {
  return StatusError(404, "NotFound", "the server could not find the requested resource").withDetails({});
}

StatusError methodNotSupported(const GroupResource& resource, std::string_view verb) {
  return aboutObject(405, "MethodNotAllowed",
                     fmt::format("{} is not supported on resources of kind \"{}\"", verb, resource.text()), resource,
                     "");
}

StatusError notAcceptable(std::string message) {
  return StatusError(406, "NotAcceptable", std::move(message)).withDetails({});
}

StatusError alreadyExists(const GroupResource& resource, std::string_view name) {
  return aboutObject(409, "AlreadyExists", fmt::format("{} \"{}\" already exists", resource.text(), name), resource,
                     name);
}

StatusError conflict(const GroupResource& resource, std::string_view name, std::string why) {
  return aboutObject(409, "Conflict",
                     fmt::format("Operation cannot be fulfilled on {} \"{}\": {}", resource.text(), name, why),
                     resource, name);
}

StatusError expired(std::string message) { return StatusError(410, "Expired", std::move(message)); }

StatusError requestEntityTooLarge(std::string message) {
  return StatusError(413, "RequestEntityTooLarge", "Request entity too large: " + std::move(message));
}

StatusError unsupportedMediaType(std::string message) {
  return StatusError(415, "UnsupportedMediaType", std::move(message));
}

StatusError invalid(const GroupVersionKind& kind, std::string_view name, const FieldErrors& errors) {
  std::string groupKind = kind.group.empty() ? kind.kind : kind.kind + "." + kind.group;
  json::Object details = makeDetails(name, kind.group, kind.kind);
  json::Array causes;
  for (const FieldError& error : errors) causes.push_back(cause(error));
  if (!causes.empty()) details["causes"] = std::move(causes);
  return StatusError(422, "Invalid", fmt::format("{} \"{}\" is invalid: {}", groupKind, name, summarize(errors)))
      .withDetails(std::move(details));
}

StatusError tooManyRequests(std::string message, int retryAfterSeconds) {
  return StatusError(429, "TooManyRequests", std::move(message)).withRetryAfter(retryAfterSeconds);
}

StatusError internalError(std::string message) {
  json::Object details = {{"causes", json::Array{json::Object{{"message", message}}}}};
  return StatusError(500, "InternalError", "Internal error occurred: " + message).withDetails(std::move(details));
}

StatusError serviceUnavailable(std::string message) {
  return StatusError(503, "ServiceUnavailable", std::move(message));
}

StatusError timeout(std::string message) { return StatusError(504, "Timeout", "Timeout: " + std::move(message)); }

}  // namespace wherry::meta
