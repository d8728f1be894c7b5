// Errors as the Kubernetes API words them: a StatusError is a Status object (meta/v1) on its way to whoever asked.
//
//   throw meta::notFound({"apps", "deployments"}, "web");   // 404 deployments.apps "web" not found
//
// One factory for each reason. Thrown at the end of a unit of work (request, reconcile, command), caught at four
// places: HTTP handler, workqueue worker, CLI main, task supervisor.
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"
#include "meta/gvk.h"

namespace wherry::meta {

enum class CauseType {
  kFieldValueNotFound,
  kFieldValueRequired,
  kFieldValueDuplicate,
  kFieldValueInvalid,
  kFieldValueNotSupported,
  kFieldValueForbidden,
  kFieldValueTooLong,
  kFieldValueTooMany,
  kFieldValueTypeInvalid,
  kInternal,
};

// One thing that is wrong with an object. `field` is "spec.containers[0].image"; `detail` is a sentence without the
// field's name and value, which message() puts in front as Kubernetes does.
struct FieldError {
  CauseType type;
  std::string field;
  std::string badValue;  // as JSON; empty when the message should not show a value
  std::string detail;

  std::string_view reason() const;  // "FieldValueInvalid"
  // `Invalid value: "x": must be ...`, the text of a cause; with the field in front in a Status message.
  std::string message() const;
};

// All the mistakes of an object, collected, never only the first.
using FieldErrors = std::vector<FieldError>;

FieldError requiredField(std::string field, std::string detail = {});
FieldError invalidField(std::string field, const json::Value& value, std::string detail);
FieldError notSupportedField(std::string field, const json::Value& value, const std::vector<std::string>& supported);
FieldError duplicateField(std::string field, const json::Value& value);
FieldError forbiddenField(std::string field, std::string detail);
FieldError notFoundField(std::string field, const json::Value& value);
FieldError tooLongField(std::string field, size_t maxBytes);
FieldError tooManyField(std::string field, size_t actual, size_t max);
FieldError typeInvalidField(std::string field, const json::Value& value, std::string detail);

class StatusError : public std::exception {
 public:
  StatusError(int code, std::string reason, std::string message);

  int code() const { return code_; }
  const std::string& reason() const { return reason_; }
  const std::string& message() const { return message_; }
  const char* what() const noexcept override { return message_.c_str(); }

  StatusError& withDetails(json::Object details);  // {"name", "group", "kind", "uid", "causes"}
  StatusError& withRetryAfter(int seconds);        // also details.retryAfterSeconds and the Retry-After header
  std::optional<int> retryAfterSeconds() const { return retryAfter_; }
  const json::Object& details() const { return details_; }

  // {"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",...}
  json::Value toJson() const;
  // The error that a server's Status body stands for; a body that is none becomes an InternalError-like error with
  // `httpCode` and the body's beginning as text.
  static StatusError fromJson(int httpCode, std::string_view body);

  bool isNotFound() const { return reason_ == "NotFound"; }
  bool isAlreadyExists() const { return reason_ == "AlreadyExists"; }
  bool isConflict() const { return reason_ == "Conflict"; }
  bool isExpired() const { return code_ == 410; }

 private:
  int code_;
  std::string reason_;
  std::string message_;
  json::Object details_;
  bool hasDetails_ = false;  // an empty one is sent too
  std::optional<int> retryAfter_;
};

StatusError badRequest(std::string message);                                                   // 400 BadRequest
StatusError unauthorized(std::string message = "Unauthorized");                                // 401
StatusError forbidden(const GroupResource& resource, std::string_view name, std::string why);  // 403
StatusError notFound(const GroupResource& resource, std::string_view name);                    // 404
StatusError pathNotFound();  // 404 "the server could not find the requested resource"
StatusError methodNotSupported(const GroupResource& resource, std::string_view verb);         // 405
StatusError notAcceptable(std::string message);                                               // 406
StatusError alreadyExists(const GroupResource& resource, std::string_view name);              // 409 AlreadyExists
StatusError conflict(const GroupResource& resource, std::string_view name, std::string why);  // 409 Conflict
StatusError expired(std::string message);                                                     // 410 Expired
StatusError requestEntityTooLarge(std::string message);                                       // 413
StatusError unsupportedMediaType(std::string message);                                        // 415
StatusError invalid(const GroupVersionKind& kind, std::string_view name, const FieldErrors& errors);  // 422 Invalid
StatusError tooManyRequests(std::string message, int retryAfterSeconds);                              // 429
StatusError internalError(std::string message);                                                       // 500
StatusError serviceUnavailable(std::string message);                                                  // 503
StatusError timeout(std::string message);                                                             // 504 Timeout

}  // namespace wherry::meta
