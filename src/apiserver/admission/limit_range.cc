#include "apiserver/admission/limit_range.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "apiserver/admission/fields.h"
#include "apiserver/admission/hooks.h"
#include "apiserver/admission/pod_resources.h"
#include "apiserver/admission/pod_spec.h"
#include "base/strings.h"
#include "meta/names.h"

namespace wherry::apiserver {
namespace {

using json::getString;

constexpr const char* kAnnotation = "kubernetes.io/limit-ranger";

template <typename F>
void forEachLimit(const json::Value& limitRange, std::string_view type, F&& f) {
  for (const json::Value& limit : arrayAt(limitRange, "spec.limits")) {
    if (getString(limit, "type") == type) f(limit);
  }
}

// Takes over what `list` of the container does not say; returns the names of what it took, sorted.
std::vector<std::string> fillIn(json::Object& container, const char* list, const json::Object& defaults) {
  std::vector<std::string> taken;
  if (defaults.empty()) return taken;
  json::Object& values = ensurePath(container, {"resources", list});
  for (const auto& [name, value] : defaults) {
    if (values.contains(name)) continue;
    values[name] = value;
    taken.emplace_back(name);
  }
  std::sort(taken.begin(), taken.end());
  return taken;
}

void fillInContainer(const json::Value& limit, json::Object& container, const char* what,
                     std::vector<std::string>& notes) {
  const std::string name(getString(container, "name"));
  auto limits = fillIn(container, "limits", objectAt(limit, "default"));
  auto requests = fillIn(container, "requests", objectAt(limit, "defaultRequest"));
  if (!requests.empty()) notes.push_back(fmt::format("{} request for {} {}", fmt::join(requests, ", "), what, name));
  if (!limits.empty()) notes.push_back(fmt::format("{} limit for {} {}", fmt::join(limits, ", "), what, name));
}

// -- bounds ---------------------------------------------------------------------------------------------------------

class Bounds {
 public:
  Bounds(const json::Value& limit, std::vector<std::string>& broken)
      : limit_(limit), type_(getString(limit, "type")), broken_(broken) {}

  void check(const Resources& requests, const Resources& limits) {
    forEach("min",
            [&](const std::string& name, const meta::Quantity& least) { checkLeast(name, least, requests, limits); });
    forEach("max",
            [&](const std::string& name, const meta::Quantity& most) { checkMost(name, most, requests, limits); });
    forEach("maxLimitRequestRatio",
            [&](const std::string& name, const meta::Quantity& most) { checkRatio(name, most, requests, limits); });
  }

 private:
  template <typename F>
  void forEach(const char* bound, F&& f) {
    for (const auto& [name, quantity] : readResources(objectAt(limit_, bound))) f(name, quantity);
  }

  void add(const char* bound, const std::string& name, const meta::Quantity& value, const std::string& why) {
    broken_.push_back(fmt::format("{} {} usage per {} is {}{}", bound, name, type_, value.text(), why));
  }

  void checkLeast(const std::string& name, const meta::Quantity& least, const Resources& requests,
                  const Resources& limits) {
    auto request = requests.find(name), limit = limits.find(name);
    if (request == requests.end()) return add("minimum", name, least, ".  No request is specified");
    if (request->second < least)
      add("minimum", name, least, ", but request is " + request->second.text());
    else if (limit != limits.end() && limit->second < least)
      add("minimum", name, least, ", but limit is " + limit->second.text());
  }

  // A claim has only a request; a container without a limit may use everything.
  void checkMost(const std::string& name, const meta::Quantity& most, const Resources& requests,
                 const Resources& limits) {
    auto request = requests.find(name), limit = limits.find(name);
    if (limit == limits.end() && type_ != "PersistentVolumeClaim") {
      return add("maximum", name, most, ".  No limit is specified");
    }
    if (limit != limits.end() && most < limit->second)
      add("maximum", name, most, ", but limit is " + limit->second.text());
    else if (request != requests.end() && most < request->second)
      add("maximum", name, most, ", but request is " + request->second.text());
  }

  void checkRatio(const std::string& name, const meta::Quantity& most, const Resources& requests,
                  const Resources& limits) {
    auto request = requests.find(name), limit = limits.find(name);
    if (request == requests.end() || request->second.zero()) {
      return add("maximum limit to request ratio:", name, most, ", but no request is specified or request is 0");
    }
    if (limit == limits.end()) return add("maximum limit to request ratio:", name, most, ", but no limit is specified");
    double ratio = static_cast<double>(limit->second.milli()) / static_cast<double>(request->second.milli());
    if (ratio > static_cast<double>(most.milli()) / 1000) {
      add("maximum limit to request ratio:", name, most, fmt::format(", but provided ratio is {:f}", ratio));
    }
  }

  const json::Value& limit_;
  std::string type_;
  std::vector<std::string>& broken_;
};

// -- the LimitRange itself ------------------------------------------------------------------------------------------

void takeOver(json::Object& limit, const char* from, const char* to) {
  const json::Object values = objectAt(limit, from);
  if (values.empty()) return;
  json::Object& into = json::ensureObject(limit, to);
  for (const auto& [name, value] : values) {
    if (!into.contains(name)) into[name] = value;
  }
}

// No value of `low` may be above the same resource's of `high`.
void checkOrder(const json::Value& limit, const std::string& path, const char* low, const char* high,
                meta::FieldErrors& errors) {
  Resources lower = readResources(objectAt(limit, low)), upper = readResources(objectAt(limit, high));
  for (const auto& [name, quantity] : lower) {
    auto bound = upper.find(name);
    if (bound == upper.end() || quantity <= bound->second) continue;
    errors.push_back(meta::invalidField(
        fmt::format("{}.{}[{}]", path, low, name), json::Value(quantity.text()),
        fmt::format("{} value {} is greater than {} value {}", low, quantity.text(), high, bound->second.text())));
  }
}

void checkLimit(const json::Value& limit, const std::string& path, meta::FieldErrors& errors) {
  std::string_view type = getString(limit, "type");
  if (!type.empty()) addInvalid(path + ".type", json::Value(type), meta::checkQualifiedName(type), errors);
  if (type == "Pod") {
    for (const char* list : {"default", "defaultRequest"}) {
      if (objectAt(limit, list).empty()) continue;
      errors.push_back(meta::forbiddenField(path + "." + list, "may not be specified when `type` is 'Pod'"));
    }
  }
  bool bounded = objectAt(limit, "min").contains("storage") || objectAt(limit, "max").contains("storage");
  if (type == "PersistentVolumeClaim" && !bounded) {
    errors.push_back(
        meta::requiredField(path, "either minimum or maximum storage value is required, but neither was provided"));
  }
  for (const auto& [low, high] :
       {std::pair("min", "max"), std::pair("min", "defaultRequest"), std::pair("defaultRequest", "max"),
        std::pair("defaultRequest", "default"), std::pair("default", "max")}) {
    checkOrder(limit, path, low, high, errors);
  }
}

}  // namespace

void applyLimitRange(const json::Value& limitRange, json::Object& pod) {
  std::vector<std::string> notes;
  json::Object& spec = json::ensureObject(pod, "spec");
  forEachLimit(limitRange, "Container", [&](const json::Value& limit) {
    forEachContainer(spec, "spec", [&](json::Object& container, const std::string& path) {
      if (path.starts_with("spec.ephemeral")) return;
      fillInContainer(limit, container, path.starts_with("spec.init") ? "init container" : "container", notes);
    });
  });
  if (notes.empty()) return;
  ensurePath(pod, {"metadata", "annotations"})[kAnnotation] = "LimitRanger plugin set: " + base::join(notes, "; ");
}

std::vector<std::string> checkPodLimits(const json::Value& limitRange, const json::Object& podSpec) {
  std::vector<std::string> broken;
  forEachLimit(limitRange, "Container", [&](const json::Value& limit) {
    forEachContainer(podSpec, "spec", [&](const json::Object& container, const std::string& path) {
      if (path.starts_with("spec.ephemeral")) return;
      Bounds(limit, broken)
          .check(readResources(objectAt(container, "resources.requests")),
                 readResources(objectAt(container, "resources.limits")));
    });
  });
  forEachLimit(limitRange, "Pod", [&](const json::Value& limit) {
    Bounds(limit, broken).check(podResources(podSpec, "requests"), podResources(podSpec, "limits"));
  });
  return broken;
}

std::vector<std::string> checkClaimLimits(const json::Value& limitRange, const json::Object& claimSpec) {
  std::vector<std::string> broken;
  forEachLimit(limitRange, "PersistentVolumeClaim", [&](const json::Value& limit) {
    Bounds(limit, broken).check(readResources(objectAt(claimSpec, "resources.requests")), {});
  });
  return broken;
}

// What is limited at most is limited so by default, and what is limited or needed at least is requested so.
void prepareLimitRange(AdmissionRequest& request) {
  if (!writesMain(request)) return;
  for (json::Value& limit : json::ensureArray(json::ensureObject(request.object.as_object(), "spec"), "limits")) {
    if (!limit.is_object() || getString(limit, "type") != "Container") continue;
    takeOver(limit.get_object(), "max", "default");
    takeOver(limit.get_object(), "default", "defaultRequest");
    takeOver(limit.get_object(), "min", "defaultRequest");
  }
}

void validateLimitRange(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  std::vector<std::string_view> types;
  forEachItem(arrayAt(request.object, "spec.limits"), "spec.limits",
              [&](const json::Value& limit, const std::string& at) {
                std::string_view type = getString(limit, "type");
                if (std::find(types.begin(), types.end(), type) != types.end()) {
                  errors.push_back(meta::duplicateField(at + ".type", json::Value(type)));
                }
                types.push_back(type);
                checkLimit(limit, at, errors);
              });
}

}  // namespace wherry::apiserver
