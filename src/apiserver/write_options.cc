#include "apiserver/write_options.h"

#include <algorithm>

#include <fmt/format.h>

#include "apiserver/media_type.h"
#include "apiserver/protobuf_body.h"
#include "json/yaml.h"

namespace wherry::apiserver {
namespace {

constexpr size_t kMaxManagerLength = 128;

std::string_view optionsKind(Verb verb) {
  if (verb == Verb::kCreate) return "CreateOptions";
  return verb == Verb::kPatch ? "PatchOptions" : "UpdateOptions";
}

meta::StatusError invalidOption(Verb verb, meta::FieldError error) {
  return meta::invalid({"meta.k8s.io", "v1", std::string(optionsKind(verb))}, "", {std::move(error)});
}

// "kubectl" of "kubectl/v1.32.1 (linux/amd64)".
std::string managerOf(std::string_view userAgent) {
  std::string name(userAgent.substr(0, userAgent.find('/')).substr(0, kMaxManagerLength));
  std::erase_if(name, [](unsigned char c) { return c < ' ' || c == 127; });
  return name.empty() ? "unknown" : name;
}

FieldValidation validationOf(Verb verb, std::string_view text) {
  if (text.empty() || text == "Warn") return FieldValidation::kWarn;
  if (text == "Strict") return FieldValidation::kStrict;
  if (text == "Ignore") return FieldValidation::kIgnore;
  throw invalidOption(verb,
                      meta::notSupportedField("fieldValidation", json::Value(text), {"Ignore", "Strict", "Warn"}));
}

std::vector<std::string> duplicatesIn(Format format, std::string_view body) {
  return format == Format::kJson ? json::duplicateKeys(body) : std::vector<std::string>();
}

json::Value readProtobuf(std::string_view body) {
  auto tree = decodeProtobufBody(body);
  if (!tree) throw meta::badRequest("the body of the request is not the protobuf form of a known kind");
  return std::move(*tree);
}

}  // namespace

void readWriteOptions(WriteContext& context, const RequestInfo& info, std::string_view userAgent) {
  auto dryRun = info.query.get("dryRun");
  if (!dryRun.empty() && dryRun != "All") {
    throw invalidOption(info.verb, meta::notSupportedField("dryRun", json::Value(dryRun), {"All"}));
  }
  context.dryRun = !dryRun.empty();
  context.fieldValidation = validationOf(info.verb, info.query.get("fieldValidation"));
  context.fieldManager = info.query.get("fieldManager");
  if (context.fieldManager.size() > kMaxManagerLength) {
    throw invalidOption(info.verb, meta::tooLongField("fieldManager", kMaxManagerLength));
  }
  if (context.fieldManager.empty()) context.fieldManager = managerOf(userAgent);
}

json::Value readBody(WriteContext& context, const net::Request& request) {
  if (mediaTypeOf(request.headers.get("Content-Type")) == kProtobufMediaType) return readProtobuf(request.body);
  auto format = bodyFormat(request.headers.get("Content-Type"));
  if (!format) {
    throw meta::unsupportedMediaType(
        "the body of the request was in an unknown format - accepted media types include: application/json, "
        "application/yaml, application/vnd.kubernetes.protobuf");
  }
  try {
    auto tree = *format == Format::kJson ? json::parse(request.body) : json::parseYaml(request.body);
    if (context.fieldValidation != FieldValidation::kIgnore) {
      context.duplicateFields = duplicatesIn(*format, request.body);
    }
    return tree;
  } catch (const json::ParseError& error) {
    throw meta::badRequest(fmt::format("the body of the request could not be read: {}", error.what()));
  }
}

}  // namespace wherry::apiserver
