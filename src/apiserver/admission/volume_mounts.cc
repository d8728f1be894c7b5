#include "apiserver/admission/volume_mounts.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "apiserver/admission/fields.h"
#include "base/strings.h"

namespace wherry::apiserver {
namespace {

using json::getString;

void checkDescends(const json::Value& mount, const std::string& at, const char* field, meta::FieldErrors& errors) {
  std::string_view path = getString(mount, field);
  auto steps = base::split(path, '/');
  const char* wrong = nullptr;
  if (std::find(steps.begin(), steps.end(), "..") != steps.end()) wrong = "must not contain '..'";
  if (path.starts_with('/')) wrong = "must be a relative path";
  if (wrong) errors.push_back(meta::invalidField(at + "." + field, json::Value(path), wrong));
}

void checkSubPaths(const json::Value& mount, const std::string& at, meta::FieldErrors& errors) {
  checkDescends(mount, at, "subPath", errors);
  std::string_view expression = getString(mount, "subPathExpr");
  if (expression.empty()) return;
  if (!getString(mount, "subPath").empty()) {
    errors.push_back(meta::invalidField(at + ".subPathExpr", json::Value(expression),
                                        "subPathExpr and subPath are mutually exclusive"));
  }
  checkDescends(mount, at, "subPathExpr", errors);
}

// KEP-3857.
void checkRecursion(const json::Value& mount, const std::string& at, meta::FieldErrors& errors) {
  static const std::vector<std::string> kModes = {"Disabled", "Enabled", "IfPossible"};
  const json::Value* mode = json::find(mount, "recursiveReadOnly");
  std::string_view text = getString(mount, "recursiveReadOnly"), propagation = getString(mount, "mountPropagation");
  if (!mode || text == "Disabled") return;
  std::string field = at + ".recursiveReadOnly";
  if (std::find(kModes.begin(), kModes.end(), text) == kModes.end()) {
    return errors.push_back(meta::notSupportedField(field, *mode, kModes));
  }
  if (!json::getBool(mount, "readOnly")) {
    errors.push_back(meta::forbiddenField(field, "may only be specified when readOnly is true"));
  }
  if (!propagation.empty() && propagation != "None") {
    errors.push_back(
        meta::forbiddenField(field, "may only be specified when mountPropagation is None or not specified"));
  }
}

}  // namespace

void checkVolumeMounts(const json::Object& container, const std::string& path,
                       const std::set<std::string_view>& volumes, meta::FieldErrors& errors) {
  std::set<std::string_view> paths;
  size_t index = 0;
  const bool privileged = json::getBool(container, "securityContext.privileged");
  for (const json::Value& mount : arrayAt(container, "volumeMounts")) {
    std::string at = fmt::format("{}.volumeMounts[{}]", path, index++);
    std::string_view name = getString(mount, "name"), where = getString(mount, "mountPath");
    if (!name.empty() && !volumes.contains(name)) {
      errors.push_back(meta::notFoundField(at + ".name", json::Value(name)));
    }
    if (!where.empty() && !paths.insert(where).second) {
      errors.push_back(meta::invalidField(at + ".mountPath", json::Value(where), "must be unique"));
    }
    checkSubPaths(mount, at, errors);
    if (getString(mount, "mountPropagation") == "Bidirectional" && !privileged) {
      errors.push_back(meta::forbiddenField(
          at + ".mountPropagation", "Bidirectional mount propagation is available only to privileged containers"));
    }
    checkRecursion(mount, at, errors);
  }
}

}  // namespace wherry::apiserver
