#include "main/redaction.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <re2/re2.h>

#include "base/strings.h"

namespace wherry::main {
namespace {

constexpr std::string_view kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

std::string removed(size_t size) { return fmt::format("<{} bytes removed>", size); }

void remove(json::Value& value) {
  if (value.is_string()) {
    value = removed(value.get_string().size());
  } else if (value.is_object()) {
    for (auto& member : value.get_object()) remove(member.value());
  } else if (value.is_array()) {
    for (json::Value& element : value.get_array()) remove(element);
  }
}

// "DB_PASSWORD", "apiKey", "token": what it names is a secret. Names of and references to secrets are none.
bool isSensitive(std::string_view name) {
  static const re2::RE2 kPattern(
      "(?i)(password|passwd|passphrase|secret|token|credentials?|(api|access|private|secret)[-_.]?key)$");
  return re2::RE2::PartialMatch(re2::StringPiece(name.data(), name.size()), kPattern);
}

void redact(json::Value& value);

void redactAnnotations(json::Value& annotations) {
  if (!annotations.is_object()) return;
  for (auto& annotation : annotations.get_object()) {
    if (annotation.key() == kLastApplied || isSensitive(annotation.key())) remove(annotation.value());
  }
}

void redactMembers(json::Object& object) {
  // {name: DB_PASSWORD, value: hunter2}
  auto* name = object.if_contains("name");
  auto* value = object.if_contains("value");
  if (name && value && name->is_string() && isSensitive(name->get_string())) remove(*value);
  for (auto& member : object) {
    if (member.key() == "annotations") redactAnnotations(member.value());
    if (member.value().is_string() && isSensitive(member.key())) remove(member.value());
    redact(member.value());
  }
}

void redact(json::Value& value) {
  if (value.is_object()) {
    redactMembers(value.get_object());
  } else if (value.is_array()) {
    for (json::Value& element : value.get_array()) redact(element);
  } else if (value.is_string()) {
    value = redactText(std::string(value.get_string()));
  }
}

}  // namespace

json::Value redactObject(json::Value object, std::string_view kind) {
  if (kind == "Secret" && object.is_object()) {
    for (const char* field : {"data", "stringData"}) {
      if (auto* values = object.get_object().if_contains(field)) remove(*values);
    }
  }
  redact(object);
  return object;
}

std::string redactText(std::string text) {
  struct Rule {
    re2::RE2 pattern;
    const char* replacement;
  };
  static const std::array<Rule, 4> kRules = {{
      {re2::RE2("(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)"),
       "<private key removed>"},
      // A JWT (RFC 7519): two JSON objects and a signature in base64url; each object begins with {" = eyJ.
      {re2::RE2(R"(eyJ[\w-]+\.eyJ[\w-]+\.[\w-]*)"), "<token removed>"},
      {re2::RE2(R"((?i)(authorization: *|bearer +)(basic +|bearer +)?[\w.~+/=-]{8,})"), R"(\1<token removed>)"},
      {re2::RE2(R"((?i)((?:password|passwd|passphrase|secret|token|api[-_]?key|access[-_]?key)=)[^\s"'&]+)"),
       R"(\1<removed>)"},
  }};
  for (const Rule& rule : kRules) re2::RE2::GlobalReplace(&text, rule.pattern, rule.replacement);
  return text;
}

}  // namespace wherry::main
