// How a container's life is watched and ended: probes, hooks, restart rules, and which of these an init container may
// have.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "apiserver/admission/fields.h"
#include "apiserver/admission/pod_spec.h"
#include "base/strings.h"
#include "meta/names.h"

namespace wherry::apiserver {
namespace {

using json::getInt;
using json::getString;

constexpr size_t kMaxRules = 20;
constexpr size_t kMaxExitCodes = 255;
constexpr int64_t kDefaultGrace = 30;
constexpr std::array<const char*, 3> kProbes = {"livenessProbe", "readinessProbe", "startupProbe"};
constexpr std::array<const char*, 2> kHooks = {"postStart", "preStop"};

void checkPort(const json::Object& action, const std::string& at, meta::FieldErrors& errors) {
  const json::Value* port = action.if_contains("port");
  if (!port) return;
  if (port->is_string()) return addInvalid(at + ".port", *port, meta::checkPortName(textOf(*port)), errors);
  int64_t number = getInt(action, "port");
  if (number >= 1 && number <= 65535) return;
  errors.push_back(meta::invalidField(at + ".port", number, "must be between 1 and 65535, inclusive"));
}

// RFC 9110 section 5.6.2: a token.
bool isHeaderName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

void checkHttpGet(const json::Object& action, const std::string& at, meta::FieldErrors& errors) {
  checkPort(action, at, errors);
  for (const json::Value& header : arrayAt(action, "httpHeaders")) {
    std::string_view name = getString(header, "name");
    if (isHeaderName(name)) continue;
    errors.push_back(meta::invalidField(at + ".httpHeaders", json::Value(name),
                                        "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. "
                                        "'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')"));
  }
}

// What a probe and a hook have in common: exactly one way to act, and that one whole.
void checkHandler(const json::Object& handler, std::initializer_list<const char*> kinds, const std::string& at,
                  meta::FieldErrors& errors) {
  size_t count = 0;
  for (const char* kind : kinds) {
    const json::Value* action = handler.if_contains(kind);
    if (!action || !action->is_object()) continue;
    std::string where = at + "." + kind;
    if (++count > 1) {
      errors.push_back(meta::forbiddenField(where, "may not specify more than 1 handler type"));
      continue;
    }
    const json::Object& fields = action->get_object();
    if (kind == std::string_view("exec") && arrayAt(fields, "command").empty())
      errors.push_back(meta::requiredField(where + ".command"));
    if (kind == std::string_view("httpGet")) checkHttpGet(fields, where, errors);
    if (kind == std::string_view("tcpSocket")) checkPort(fields, where, errors);
  }
  if (count == 0) errors.push_back(meta::requiredField(at, "must specify a handler type"));
}

void checkProbe(const json::Object& container, std::string_view name, const std::string& path,
                meta::FieldErrors& errors) {
  const json::Value* probe = container.if_contains(name);
  if (!probe || !probe->is_object()) return;
  std::string at = fmt::format("{}.{}", path, name);
  checkHandler(probe->get_object(), {"exec", "httpGet", "tcpSocket", "grpc"}, at, errors);
  bool readiness = name == "readinessProbe";
  if (int64_t successes = getInt(*probe, "successThreshold", 1); !readiness && successes != 1) {
    errors.push_back(meta::invalidField(at + ".successThreshold", successes, "must be 1"));
  }
  if (!probe->get_object().contains("terminationGracePeriodSeconds")) return;
  int64_t grace = getInt(*probe, "terminationGracePeriodSeconds");
  std::string where = at + ".terminationGracePeriodSeconds";
  if (readiness)
    errors.push_back(meta::invalidField(where, grace, "must not be set for readinessProbes"));
  else if (grace <= 0)
    errors.push_back(meta::invalidField(where, grace, "must be greater than 0"));
}

void checkLifecycle(const json::Object& container, const json::Object& spec, const std::string& path,
                    meta::FieldErrors& errors) {
  const json::Object& lifecycle = objectAt(container, "lifecycle");
  int64_t grace = getInt(spec, "terminationGracePeriodSeconds", kDefaultGrace);
  for (const char* name : kHooks) {
    const json::Value* hook = lifecycle.if_contains(name);
    if (!hook || !hook->is_object()) continue;
    std::string at = fmt::format("{}.lifecycle.{}", path, name);
    checkHandler(hook->get_object(), {"exec", "httpGet", "tcpSocket", "sleep"}, at, errors);
    int64_t seconds = getInt(*hook, "sleep.seconds");
    if (seconds >= 0 && seconds <= grace) continue;
    errors.push_back(meta::invalidField(
        at + ".sleep", seconds,
        fmt::format("must be non-negative and less than terminationGracePeriodSeconds ({})", grace)));
  }
  if (!getString(lifecycle, "stopSignal").empty() && getString(spec, "os.name").empty()) {
    errors.push_back(meta::forbiddenField(path + ".lifecycle.stopSignal",
                                          "may not be set for containers with empty `spec.os.name`"));
  }
}

// KEP-5307.
void checkRestartRules(const json::Object& container, const std::string& path, meta::FieldErrors& errors) {
  std::string_view policy = getString(container, "restartPolicy");
  constexpr std::array<std::string_view, 3> kPolicies = {"Always", "OnFailure", "Never"};
  bool known = std::find(kPolicies.begin(), kPolicies.end(), policy) != kPolicies.end();
  if (!policy.empty() && !known) {
    errors.push_back(
        meta::notSupportedField(path + ".restartPolicy", json::Value(policy), {"Always", "Never", "OnFailure"}));
  }
  const json::Array& rules = arrayAt(container, "restartPolicyRules");
  std::string at = path + ".restartPolicyRules";
  if (!rules.empty() && policy.empty()) {
    errors.push_back(
        meta::requiredField(path + ".restartPolicy", "must specify restartPolicy when restart rules are used"));
  }
  if (rules.size() > kMaxRules)
    errors.push_back(meta::invalidField(at, static_cast<int64_t>(rules.size()), "must have at most 20 items"));
  forEachItem(rules, at, [&](const json::Value& rule, const std::string& where) {
    if (std::string_view action = getString(rule, "action"); action != "Restart")
      errors.push_back(meta::notSupportedField(where + ".action", json::Value(action), {"Restart"}));
    std::string_view op = getString(rule, "exitCodes.operator");
    if (!json::find(rule, "exitCodes")) {
      errors.push_back(meta::requiredField(where + ".exitCodes", "must be specified"));
    } else if (op != "In" && op != "NotIn") {
      errors.push_back(meta::notSupportedField(where + ".exitCodes.operator", json::Value(op), {"In", "NotIn"}));
    }
    if (arrayAt(rule, "exitCodes.values").size() > kMaxExitCodes)
      errors.push_back(meta::invalidField(where + ".exitCodes.values", json::Value(), "must have at most 255 items"));
  });
}

void checkContainerLife(const json::Object& container, const json::Object& spec, const std::string& at,
                        meta::FieldErrors& errors) {
  for (const char* probe : kProbes) checkProbe(container, probe, at, errors);
  checkLifecycle(container, spec, at, errors);
}

// One that ends before the next begins has nothing to be probed for (KEP-753).
void checkInitContainerLife(const json::Object& container, const std::string& at, meta::FieldErrors& errors) {
  for (const char* field : {"lifecycle", "livenessProbe", "readinessProbe", "startupProbe"}) {
    const json::Value* value = container.if_contains(field);
    if (!value || value->is_null()) continue;
    errors.push_back(
        meta::forbiddenField(at + "." + field, "may not be set for init containers without restartPolicy=Always"));
  }
}

}  // namespace

void validateContainerLives(const json::Object& spec, const std::string& path, meta::FieldErrors& errors) {
  for (const char* list : {"initContainers", "containers"}) {
    bool init = list == std::string_view("initContainers");
    forEachItem(arrayAt(spec, list), fmt::format("{}.{}", path, list),
                [&](const json::Value& container, const std::string& at) {
                  if (!container.is_object()) return;
                  const json::Object& fields = container.get_object();
                  checkRestartRules(fields, at, errors);
                  if (init && getString(fields, "restartPolicy") != "Always")
                    checkInitContainerLife(fields, at, errors);
                  else
                    checkContainerLife(fields, spec, at, errors);
                });
  }
}

}  // namespace wherry::apiserver
