// What a pod spec may say beyond its schema (which says what is required and within which bounds). Each check adds its
// errors and goes on: the user sees all of them at once.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <fmt/format.h>

#include "apiserver/admission/fields.h"
#include "apiserver/admission/pod_spec.h"
#include "apiserver/admission/volume_mounts.h"
#include "base/strings.h"
#include "meta/names.h"
#include "meta/quantity.h"

namespace wherry::apiserver {
namespace {

using json::getInt;
using json::getString;

// -- containers -----------------------------------------------------------------------------------------------------

void checkContainerPorts(const json::Object& container, const std::string& path, bool hostNetwork,
                         meta::FieldErrors& errors) {
  std::set<std::string_view> names;
  size_t index = 0;
  for (const json::Value& port : arrayAt(container, "ports")) {
    std::string at = fmt::format("{}.ports[{}]", path, index++);
    std::string_view name = getString(port, "name");
    if (!name.empty()) {
      addInvalid(at + ".name", json::Value(name), meta::checkPortName(name), errors);
      if (!names.insert(name).second) errors.push_back(meta::duplicateField(at + ".name", json::Value(name)));
    }
    int64_t number = getInt(port, "containerPort"), host = getInt(port, "hostPort");
    if (hostNetwork && host != number) {
      errors.push_back(
          meta::invalidField(at + ".hostPort", host, "must match `containerPort` when `hostNetwork` is true"));
    }
  }
}

constexpr std::array<std::string_view, 11> kFieldPaths = {
    "metadata.name", "metadata.namespace",      "metadata.uid",  "metadata.labels", "metadata.annotations",
    "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs",  "status.podIP",
    "status.podIPs",
};

bool isFieldPath(std::string_view path) {
  bool subscript =
      (path.starts_with("metadata.labels['") || path.starts_with("metadata.annotations['")) && path.ends_with("']");
  return subscript || std::find(kFieldPaths.begin(), kFieldPaths.end(), path) != kFieldPaths.end();
}

void checkEnv(const json::Object& container, const std::string& path, meta::FieldErrors& errors) {
  size_t index = 0;
  for (const json::Value& variable : arrayAt(container, "env")) {
    std::string at = fmt::format("{}.env[{}]", path, index++);
    std::string_view name = getString(variable, "name");
    if (!name.empty()) addInvalid(at + ".name", json::Value(name), meta::checkEnvName(name), errors);
    const json::Value* source = json::find(variable, "valueFrom");
    if (!source || !source->is_object()) continue;
    if (const json::Value* field = json::find(*source, "fieldRef")) {
      std::string_view fieldPath = getString(*field, "fieldPath");
      if (!fieldPath.empty() && !isFieldPath(fieldPath)) {
        errors.push_back(
            meta::invalidField(at + ".valueFrom.fieldRef.fieldPath", json::Value(fieldPath),
                               "error converting fieldPath: field label not supported: " + std::string(fieldPath)));
      }
    }
    if (!getString(variable, "value").empty()) {
      errors.push_back(
          meta::invalidField(at + ".valueFrom", json::Value(""), "may not be specified when `value` is not empty"));
    } else if (source->get_object().size() > 1) {
      errors.push_back(meta::invalidField(at + ".valueFrom", json::Value(""),
                                          "may not have more than one field specified at a time"));
    }
  }
}

std::optional<meta::Quantity> quantityOf(const json::Value& value) {
  if (value.is_string()) return meta::Quantity::parse(std::string_view(value.get_string()));
  return meta::Quantity::parse(json::serialize(value));
}

void checkNotNegative(const json::Object& resources, const std::string& path, const char* list,
                      meta::FieldErrors& errors) {
  const json::Value* values = resources.if_contains(list);
  if (!values || !values->is_object()) return;
  for (const auto& [name, value] : values->get_object()) {
    auto quantity = quantityOf(value);
    if (quantity && quantity->negative()) {
      errors.push_back(meta::invalidField(fmt::format("{}.{}[{}]", path, list, std::string_view(name)), value,
                                          "must be greater than or equal to 0"));
    }
  }
}

void checkResources(const json::Object& container, const std::string& path, meta::FieldErrors& errors) {
  const json::Value* resources = container.if_contains("resources");
  if (!resources || !resources->is_object()) return;
  std::string at = path + ".resources";
  checkNotNegative(resources->get_object(), at, "limits", errors);
  checkNotNegative(resources->get_object(), at, "requests", errors);
  const json::Value *limits = json::find(*resources, "limits"), *requests = json::find(*resources, "requests");
  if (!limits || !requests || !limits->is_object() || !requests->is_object()) return;
  for (const auto& [name, value] : requests->get_object()) {
    const json::Value* limit = limits->get_object().if_contains(name);
    if (!limit) continue;
    auto request = quantityOf(value), most = quantityOf(*limit);
    if (request && most && *most < *request) {
      errors.push_back(meta::invalidField(
          at + ".requests", value,
          fmt::format("must be less than or equal to {} limit of {}", std::string_view(name), most->text())));
    }
  }
}

void checkContainer(const json::Object& container, const std::string& path, bool hostNetwork,
                    const std::set<std::string_view>& volumes, meta::FieldErrors& errors) {
  std::string_view name = getString(container, "name"), image = getString(container, "image");
  if (!name.empty()) addInvalid(path + ".name", json::Value(name), meta::checkDns1123Label(name), errors);
  if (base::trim(image).size() != image.size()) {
    errors.push_back(
        meta::invalidField(path + ".image", json::Value(image), "must not have leading or trailing whitespace"));
  }
  checkContainerPorts(container, path, hostNetwork, errors);
  checkEnv(container, path, errors);
  checkVolumeMounts(container, path, volumes, errors);
  checkResources(container, path, errors);
}

void checkContainers(const json::Object& spec, const std::string& path, const std::set<std::string_view>& volumes,
                     meta::FieldErrors& errors) {
  bool hostNetwork = json::getBool(spec, "hostNetwork");
  std::set<std::string_view> names;
  forEachContainer(spec, path, [&](const json::Object& container, const std::string& at) {
    checkContainer(container, at, hostNetwork, volumes, errors);
    std::string_view name = getString(container, "name");
    if (!name.empty() && !names.insert(name).second) {
      errors.push_back(meta::duplicateField(at + ".name", json::Value(name)));
    }
  });
}

// -- the rest of the spec -------------------------------------------------------------------------------------------

std::set<std::string_view> checkVolumes(const json::Object& spec, const std::string& path, meta::FieldErrors& errors) {
  std::set<std::string_view> names;
  size_t index = 0;
  for (const json::Value& volume : arrayAt(spec, "volumes")) {
    std::string at = fmt::format("{}.volumes[{}]", path, index++);
    std::string_view name = getString(volume, "name");
    if (!name.empty()) addInvalid(at + ".name", json::Value(name), meta::checkDns1123Label(name), errors);
    if (!name.empty() && !names.insert(name).second) {
      errors.push_back(meta::duplicateField(at + ".name", json::Value(name)));
    }
    size_t sources = 0;
    for (const auto& [key, value] : volume.is_object() ? volume.get_object() : json::Object()) {
      if (key == "name" || value.is_null()) continue;
      if (++sources > 1) {
        errors.push_back(meta::forbiddenField(at + "." + std::string(key), "may not specify more than 1 volume type"));
      }
    }
  }
  return names;
}

void checkTolerations(const json::Object& spec, const std::string& path, meta::FieldErrors& errors) {
  size_t index = 0;
  for (const json::Value& toleration : arrayAt(spec, "tolerations")) {
    std::string at = fmt::format("{}.tolerations[{}]", path, index++);
    std::string_view key = getString(toleration, "key"), op = getString(toleration, "operator");
    if (!key.empty()) addInvalid(at + ".key", json::Value(key), meta::checkQualifiedName(key), errors);
    if (key.empty() && op != "Exists") {
      errors.push_back(meta::invalidField(
          at + ".operator", json::Value(op),
          "operator must be Exists when `key` is empty, which means \"match all values and all keys\""));
    }
    if (op == "Exists" && !getString(toleration, "value").empty()) {
      errors.push_back(
          meta::invalidField(at + ".operator", toleration, "value must be empty when `operator` is 'Exists'"));
    }
    if (const json::Value* seconds = json::find(toleration, "tolerationSeconds");
        seconds && getString(toleration, "effect") != "NoExecute") {
      errors.push_back(meta::invalidField(at + ".effect", json::Value(getString(toleration, "effect")),
                                          "effect must be 'NoExecute' when `tolerationSeconds` is set"));
    }
  }
}

void checkDns(const json::Object& spec, const std::string& path, meta::FieldErrors& errors) {
  const json::Value* nameservers = json::find(spec, "dnsConfig.nameservers");
  if (getString(spec, "dnsPolicy") != "None") return;
  if (!spec.contains("dnsConfig")) {
    errors.push_back(meta::requiredField(path + ".dnsConfig", "must provide `dnsConfig` when `dnsPolicy` is None"));
  } else if (!nameservers || !nameservers->is_array() || nameservers->get_array().empty()) {
    errors.push_back(meta::requiredField(path + ".dnsConfig.nameservers",
                                         "must provide at least one DNS nameserver when `dnsPolicy` is None"));
  }
}

void checkNames(const json::Object& spec, const std::string& path, meta::FieldErrors& errors) {
  for (const char* field : {"hostname", "subdomain"}) {
    std::string_view text = getString(spec, field);
    if (!text.empty()) addInvalid(path + "." + field, json::Value(text), meta::checkDns1123Label(text), errors);
  }
  for (const char* field : {"nodeName", "serviceAccountName", "priorityClassName", "runtimeClassName"}) {
    std::string_view text = getString(spec, field);
    if (!text.empty()) addInvalid(path + "." + field, json::Value(text), meta::checkDns1123Subdomain(text), errors);
  }
  if (const json::Value* selector = spec.if_contains("nodeSelector"); selector && selector->is_object()) {
    for (const auto& [key, value] : selector->get_object()) {
      addInvalid(path + ".nodeSelector", json::Value(key), meta::checkQualifiedName(key), errors);
      if (value.is_string()) {
        addInvalid(path + ".nodeSelector", value, meta::checkLabelValue(value.get_string()), errors);
      }
    }
  }
}

}  // namespace

void validatePodSpec(const json::Object& spec, const std::string& path, meta::FieldErrors& errors) {
  auto volumes = checkVolumes(spec, path, errors);
  checkContainers(spec, path, volumes, errors);
  validateContainerLives(spec, path, errors);
  validateEphemeralContainers(spec, path, errors);
  validatePodSecurity(spec, path, errors);
  checkNames(spec, path, errors);
  checkTolerations(spec, path, errors);
  validatePodScheduling(spec, path, errors);
  checkDns(spec, path, errors);
}

}  // namespace wherry::apiserver
