// ConfigMaps and Secrets: the syntax of keys, how much they may hold, what the types of a Secret require, and that the
// immutable ones stay (KEP-1412).
#include <map>

#include <fmt/format.h>

#include "apiserver/admission/fields.h"
#include "apiserver/admission/hooks.h"
#include "base/encoding.h"
#include "meta/names.h"

namespace wherry::apiserver {
namespace {

using json::getString;

constexpr size_t kMaxBytes = 1024 * 1024;

void checkKeys(const json::Object& data, const std::string& field, meta::FieldErrors& errors) {
  for (const auto& [key, value] : data) {
    addInvalid(fmt::format("{}[{}]", field, std::string_view(key)), json::Value(key), meta::checkConfigMapKey(key),
               errors);
  }
}

size_t textBytes(const json::Object& data) {
  size_t bytes = 0;
  for (const auto& [key, value] : data) bytes += textOf(value).size();
  return bytes;
}

// The size of what the base64 texts stand for; their syntax was checked when they were decoded.
size_t decodedBytes(const json::Object& data) {
  size_t bytes = 0;
  for (const auto& [key, value] : data) {
    std::string_view text = textOf(value);
    size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
    bytes += text.size() / 4 * 3 - padding;
  }
  return bytes;
}

void checkImmutable(const AdmissionRequest& request, std::initializer_list<const char*> fields,
                    meta::FieldErrors& errors) {
  if (!request.old || !json::getBool(*request.old, "immutable")) return;
  auto refuse = [&](const char* field) {
    errors.push_back(meta::forbiddenField(field, "field is immutable when `immutable` is set"));
  };
  if (!json::getBool(request.object, "immutable")) refuse("immutable");
  for (const char* field : fields) {
    if (!sameAt(request.object, *request.old, field)) refuse(field);
  }
}

// -- types of Secrets -----------------------------------------------------------------------------------------------

struct TypeRule {
  std::vector<std::string_view> required;
  bool oneIsEnough = false;
  bool holdsJson = false;
};

const TypeRule* findRule(std::string_view type) {
  static const std::map<std::string_view, TypeRule> kRules = {
      {"kubernetes.io/dockercfg", {{".dockercfg"}, false, true}},
      {"kubernetes.io/dockerconfigjson", {{".dockerconfigjson"}, false, true}},
      {"kubernetes.io/basic-auth", {{"username", "password"}, true, false}},
      {"kubernetes.io/ssh-auth", {{"ssh-privatekey"}, false, false}},
      {"kubernetes.io/tls", {{"tls.crt", "tls.key"}, false, false}},
  };
  auto at = kRules.find(type);
  return at == kRules.end() ? nullptr : &at->second;
}

bool isJson(std::string_view base64) {
  auto text = base::decodeBase64(base64);
  if (!text) return false;
  try {
    json::parse(*text);
    return true;
  } catch (const json::ParseError&) {
    return false;
  }
}

void checkType(const json::Value& secret, meta::FieldErrors& errors) {
  const json::Object& data = objectAt(secret, "data");
  const TypeRule* rule = findRule(getString(secret, "type"));
  if (!rule) return;
  bool anyThere = false;
  for (std::string_view key : rule->required) anyThere |= data.contains(key);
  for (std::string_view key : rule->required) {
    std::string field = fmt::format("data[{}]", key);
    if (!data.contains(key)) {
      if (!rule->oneIsEnough || !anyThere) errors.push_back(meta::requiredField(field));
    } else if (rule->holdsJson && !isJson(textOf(data.at(key)))) {
      errors.push_back(meta::invalidField(field, "<secret contents redacted>", "must be JSON"));
    }
  }
}

void checkTokenSecret(const json::Value& secret, meta::FieldErrors& errors) {
  constexpr std::string_view kAccount = "kubernetes.io/service-account.name";
  if (getString(secret, "type") != "kubernetes.io/service-account-token") return;
  const json::Object& annotations = objectAt(secret, "metadata.annotations");
  const json::Value* name = annotations.if_contains(kAccount);
  if (name && !textOf(*name).empty()) return;
  errors.push_back(meta::requiredField(fmt::format("metadata.annotations[{}]", kAccount)));
}

// A certificate that no TLS server could load is stored all the same, with a word to whoever sent it.
void warnAboutPem(AdmissionRequest& request) {
  for (const auto& [key, what] : {std::pair("tls.crt", "certificate"), std::pair("tls.key", "key")}) {
    const json::Value* value = objectAt(request.object, "data").if_contains(key);
    if (!value) return;
    auto text = base::decodeBase64(textOf(*value));
    if (text && text->find("-----BEGIN ") != std::string::npos) continue;
    request.warnings.push_back(fmt::format("tls: failed to find any PEM data in {} input", what));
    return;
  }
}

}  // namespace

void validateConfigMap(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  const json::Object &data = objectAt(request.object, "data"), &binary = objectAt(request.object, "binaryData");
  checkKeys(data, "data", errors);
  for (const auto& [key, value] : data) {
    if (!binary.contains(key)) continue;
    errors.push_back(meta::invalidField(fmt::format("data[{}]", std::string_view(key)), json::Value(key),
                                        "duplicate of key present in binaryData"));
  }
  checkKeys(binary, "binaryData", errors);
  if (textBytes(data) + decodedBytes(binary) > kMaxBytes) errors.push_back(meta::tooLongField("", kMaxBytes));
  checkImmutable(request, {"data", "binaryData"}, errors);
}

// stringData is a way to write, never to read: it ends up in data.
void prepareSecret(AdmissionRequest& request) {
  if (!writesMain(request)) return;
  json::Object& object = request.object.as_object();
  if (const json::Object texts = objectAt(object, "stringData"); !texts.empty()) {
    json::Object& data = json::ensureObject(object, "data");
    for (const auto& [key, value] : texts) data[key] = base::encodeBase64(textOf(value));
  }
  object.erase("stringData");
  if (getString(object, "type") == "kubernetes.io/tls") warnAboutPem(request);
}

void validateSecret(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  const json::Object& data = objectAt(request.object, "data");
  checkKeys(data, "data", errors);
  if (decodedBytes(data) > kMaxBytes) errors.push_back(meta::tooLongField("data", kMaxBytes));
  checkType(request.object, errors);
  checkTokenSecret(request.object, errors);
  checkImmutable(request, {"data"}, errors);
}

}  // namespace wherry::apiserver
