#include "apiserver/audit/event.h"

#include "apiserver/media_type.h"
#include "apiserver/protobuf_body.h"
#include "json/yaml.h"
#include "meta/status.h"
#include "meta/time.h"

namespace wherry::apiserver::audit {
namespace {

json::Object renderUser(const User& user) {
  json::Object rendered{{"username", user.name}};
  if (!user.uid.empty()) rendered["uid"] = user.uid;
  json::Array groups;
  for (const std::string& group : user.groups) groups.emplace_back(group);
  if (!groups.empty()) rendered["groups"] = std::move(groups);
  json::Object extra;
  for (const auto& [key, values] : user.extra) {
    json::Array list;
    for (const std::string& value : values) list.emplace_back(value);
    extra[key] = std::move(list);
  }
  if (!extra.empty()) rendered["extra"] = std::move(extra);
  return rendered;
}

json::Object renderObjectRef(const RequestInfo& info) {
  json::Object rendered{{"resource", info.resource}};
  auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) rendered[key] = value;
  };
  add("namespace", info.ns);
  add("name", info.name);
  add("apiGroup", info.group);
  add("apiVersion", info.version);
  add("subresource", info.subresource);
  return rendered;
}

bool isYaml(std::string_view mediaType) {
  return mediaType == "application/yaml" || mediaType == "application/apply-patch+yaml";
}

// Throws when it is something else.
std::optional<json::Value> readTree(const Body& body) {
  auto type = mediaTypeOf(body.contentType);
  if (type == kProtobufMediaType) return decodeProtobufBody(body.text);
  if (isYaml(type)) return json::parseYaml(body.text);
  return json::parse(body.text);
}

// An object, or the list of a JSON patch. Nothing for what is neither: a stream, a text, another encoding.
std::optional<json::Value> readBody(const Body& body, bool omitManagedFields) {
  if (body.text.empty()) return std::nullopt;
  try {
    auto read = readTree(body);
    if (!read || !(read->is_object() || read->is_array())) return std::nullopt;
    json::Value tree = std::move(*read);
    if (!omitManagedFields || !tree.is_object()) return tree;
    auto strip = [](json::Value& object) {
      auto* metadata = object.is_object() ? object.get_object().if_contains("metadata") : nullptr;
      if (metadata && metadata->is_object()) metadata->get_object().erase("managedFields");
    };
    strip(tree);
    if (auto* items = tree.get_object().if_contains("items"); items && items->is_array()) {
      for (json::Value& item : items->get_array()) strip(item);
    }
    return tree;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

json::Object renderStatus(int code, const Body& body) {
  json::Object status{{"metadata", json::Object()}};
  auto answer = code >= 400 ? readBody(body, false) : std::nullopt;
  if (answer && json::getString(*answer, "kind") == "Status") {
    for (const char* key : {"status", "message", "reason", "details"}) {
      if (const json::Value* value = json::find(*answer, key)) status[key] = *value;
    }
  }
  status["code"] = code;
  return status;
}

}  // namespace

std::string renderEvent(const EventParts& parts) {
  json::Object event{{"kind", "Event"},
                     {"apiVersion", "audit.k8s.io/v1"},
                     {"level", levelName(parts.decision.level)},
                     {"auditID", parts.auditId},
                     {"stage", stageName(parts.stage)},
                     {"requestURI", parts.requestUri},
                     {"verb", parts.verb},
                     {"user", renderUser(parts.user)},
                     {"sourceIPs", json::Array{json::Value(parts.sourceIp)}}};
  if (parts.impersonated) event["impersonatedUser"] = renderUser(*parts.impersonated);
  if (!parts.userAgent.empty()) event["userAgent"] = parts.userAgent;
  if (parts.info.isResource) event["objectRef"] = renderObjectRef(parts.info);
  if (parts.status != 0) event["responseStatus"] = renderStatus(parts.status, parts.response);
  bool omit = parts.decision.omitManagedFields;
  if (parts.decision.level >= Level::kRequest) {
    if (auto body = readBody(parts.request, omit)) event["requestObject"] = std::move(*body);
  }
  if (parts.decision.level == Level::kRequestResponse && parts.stage == Stage::kResponseComplete) {
    if (auto body = readBody(parts.response, omit)) event["responseObject"] = std::move(*body);
  }
  event["requestReceivedTimestamp"] = meta::formatMicroTime(parts.received);
  event["stageTimestamp"] = meta::formatMicroTime(parts.now);
  if (!parts.annotations.empty()) {
    json::Object annotations;
    for (const auto& [key, value] : parts.annotations) annotations[key] = value;
    event["annotations"] = std::move(annotations);
  }
  return json::serialize(event) + "\n";
}

}  // namespace wherry::apiserver::audit
