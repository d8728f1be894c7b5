#include "apiserver/admission/job_validation.h"

#include <set>

#include <fmt/format.h>

#include "apiserver/admission/fields.h"
#include "base/strings.h"
#include "meta/names.h"

namespace wherry::apiserver {
namespace {

using json::getInt;
using json::getString;
using meta::FieldErrors;
using meta::invalidField;
using meta::requiredField;

constexpr int64_t kMostIndexes = 100'000;       // that run at once, or may fail
constexpr int64_t kMostOfManyIndexes = 10'000;  // the same where there are more indexes than that
constexpr size_t kMostRules = 20;
constexpr size_t kMostExitCodes = 255;
constexpr size_t kMostIndexText = 64 * 1024;  // bytes

std::string atMost(int64_t limit) { return "must be less than or equal to " + std::to_string(limit); }

void limit(const json::Value& object, const std::string& field, int64_t most, const std::string& words,
           FieldErrors& errors) {
  const json::Value* value = json::find(object, field);
  if (value && value->is_int64() && value->get_int64() > most) errors.push_back(invalidField(field, *value, words));
}

void checkManyIndexes(const json::Value& object, const std::string& path, FieldErrors& errors) {
  if (getInt(object, path + ".completions") <= kMostIndexes || !json::find(object, path + ".backoffLimitPerIndex")) {
    return;
  }
  if (!json::find(object, path + ".maxFailedIndexes")) {
    errors.push_back(requiredField(path + ".maxFailedIndexes",
                                   fmt::format("must be specified when completions is above {}", kMostIndexes)));
  }
  const std::string words = fmt::format("{} when completions are above {} and used with backoff limit per index",
                                        atMost(kMostOfManyIndexes), kMostIndexes);
  for (const char* field : {".parallelism", ".maxFailedIndexes"}) {
    limit(object, path + field, kMostOfManyIndexes, words, errors);
  }
}

void checkRuleCount(const json::Array& rules, const std::string& path, FieldErrors& errors) {
  if (rules.size() > kMostRules) errors.push_back(meta::tooManyField(path, rules.size(), kMostRules));
}

// -- podFailurePolicy -------------------------------------------------------------------------------------------------

std::set<std::string_view> containerNames(const json::Value& object, const std::string& path) {
  std::set<std::string_view> names;
  for (const char* list : {".template.spec.initContainers", ".template.spec.containers"}) {
    for (const auto& container : arrayAt(object, path + list)) names.insert(getString(container, "name"));
  }
  return names;
}

void checkExitCodeValues(const json::Array& values, bool in, const std::string& path, FieldErrors& errors) {
  if (values.empty()) errors.push_back(invalidField(path, values, "at least one value is required"));
  if (values.size() > kMostExitCodes) errors.push_back(meta::tooManyField(path, values.size(), kMostExitCodes));
  bool ordered = true;
  std::set<int64_t> seen;
  std::optional<int64_t> last;
  forEachItem(values, path, [&](const json::Value& value, const std::string& at) {
    if (!value.is_int64()) return;
    const auto code = value.get_int64();
    if (in && code == 0) errors.push_back(invalidField(at, value, "must not be 0 for the In operator"));
    if (!seen.insert(code).second) {
      errors.push_back(meta::duplicateField(at, value));
    } else if (last && *last > code) {
      ordered = false;
    }
    last = code;
  });
  if (!ordered) errors.push_back(invalidField(path, values, "must be ordered"));
}

void checkExitCodes(const json::Value& rule, const std::set<std::string_view>& containers, const std::string& path,
                    FieldErrors& errors) {
  const json::Value* name = json::find(rule, "onExitCodes.containerName");
  if (name && !containers.contains(textOf(*name))) {
    errors.push_back(invalidField(path + ".containerName", *name,
                                  "must be one of the container or initContainer names in the pod template"));
  }
  checkExitCodeValues(arrayAt(rule, "onExitCodes.values"), getString(rule, "onExitCodes.operator") == "In",
                      path + ".values", errors);
}

void checkPodConditions(const json::Value& rule, const std::string& path, FieldErrors& errors) {
  const auto& patterns = arrayAt(rule, "onPodConditions");
  checkRuleCount(patterns, path, errors);
  forEachItem(patterns, path, [&](const json::Value& pattern, const std::string& at) {
    const auto type = getString(pattern, "type");
    addInvalid(at + ".type", json::Value(type), meta::checkQualifiedName(type), errors);
    const auto status = getString(pattern, "status");
    static const std::set<std::string_view> kStatuses = {"False", "True", "Unknown"};
    if (kStatuses.contains(status)) return;
    errors.push_back(meta::notSupportedField(at + ".status", json::Value(status), {"False", "True", "Unknown"}));
  });
}

// A sentence about the rule as a whole, which is not shown.
meta::FieldError invalidRule(const std::string& path, std::string sentence) {
  return {meta::CauseType::kFieldValueInvalid, path, "", std::move(sentence)};
}

void checkFailureRule(const json::Value& rule, bool perIndex, const std::set<std::string_view>& containers,
                      const std::string& path, FieldErrors& errors) {
  if (getString(rule, "action") == "FailIndex" && !perIndex) {
    errors.push_back(
        invalidField(path + ".action", json::Value("FailIndex"), "requires the backoffLimitPerIndex to be set"));
  }
  const bool byExitCode = json::find(rule, "onExitCodes") != nullptr;
  const bool byCondition = !arrayAt(rule, "onPodConditions").empty();
  if (byExitCode) checkExitCodes(rule, containers, path + ".onExitCodes", errors);
  if (byCondition) checkPodConditions(rule, path + ".onPodConditions", errors);
  if (byExitCode && byCondition) {
    errors.push_back(invalidRule(path, "specifying both OnExitCodes and OnPodConditions is not supported"));
  }
  if (!byExitCode && !byCondition) {
    errors.push_back(invalidRule(path, "specifying one of OnExitCodes and OnPodConditions is required"));
  }
}

// -- successPolicy ----------------------------------------------------------------------------------------------------

struct IndexRanges {
  int64_t total = 0;
  std::string wrong;  // what is wrong with them
};

// "0,2-5": in increasing order, below the number of completions.
IndexRanges readIndexes(std::string_view text, int64_t completions) {
  IndexRanges ranges;
  std::optional<int64_t> last;
  const auto refuse = [&](std::string why) {
    ranges.wrong = std::move(why);
    return ranges;
  };
  for (const auto part : base::split(text, ',')) {
    const auto limits = base::split(part, '-');
    if (limits.size() > 2)
      return refuse(
          fmt::format("the fragment \"{}\" violates the requirement that an index interval can have at most two parts "
                      "separated by '-'",
                      part));
    std::vector<int64_t> numbers;
    for (const auto limit : limits) {
      const auto number = base::parseInt<int32_t>(limit);
      if (!number) return refuse(fmt::format("cannot convert string to integer for index: \"{}\"", limit));
      if (last && *number <= *last)
        return refuse(fmt::format("non-increasing order, previous: {}, current: {}", *last, *number));
      if (*number >= completions) return refuse(fmt::format("too large index: \"{}\"", limit));
      numbers.push_back(*number);
      last = *number;
    }
    ranges.total += numbers.back() - numbers.front() + 1;
  }
  return ranges;
}

void checkSucceededCount(const json::Value& rule, std::optional<int64_t> indexes, int64_t completions,
                         const std::string& field, FieldErrors& errors) {
  const json::Value* count = json::find(rule, "succeededCount");
  if (!count || !count->is_int64()) return;
  if (count->get_int64() < 0) {
    errors.push_back(invalidField(field, *count, "must be greater than or equal to 0"));
  } else if (count->get_int64() > completions) {
    errors.push_back(
        invalidField(field, *count, fmt::format("{} (the number of specified completions)", atMost(completions))));
  } else if (indexes && count->get_int64() > *indexes) {
    errors.push_back(invalidField(
        field, *count,
        fmt::format("{} (the number of indexes in the specified succeededIndexes field)", atMost(*indexes))));
  }
}

void checkSuccessRule(const json::Value& rule, int64_t completions, const std::string& path, FieldErrors& errors) {
  const json::Value* indexes = json::find(rule, "succeededIndexes");
  if (!indexes && !json::find(rule, "succeededCount")) {
    errors.push_back(requiredField(path, "at least one of succeededCount or succeededIndexes must be specified"));
  }
  std::optional<int64_t> total;
  if (indexes && textOf(*indexes).size() > kMostIndexText) {
    errors.push_back(meta::tooLongField(path + ".succeededIndexes", kMostIndexText));
  } else if (indexes) {
    auto ranges = readIndexes(textOf(*indexes), completions);
    if (ranges.wrong.empty()) {
      total = ranges.total;
    } else {
      errors.push_back(
          invalidField(path + ".succeededIndexes", *indexes, "error parsing succeededIndexes: " + ranges.wrong));
    }
  }
  checkSucceededCount(rule, total, completions, path + ".succeededCount", errors);
}

}  // namespace

void checkIndexes(const json::Value& object, const std::string& path, FieldErrors& errors) {
  const bool indexed = getString(object, path + ".completionMode") == "Indexed";
  const json::Value* perIndex = json::find(object, path + ".backoffLimitPerIndex");
  const json::Value* mostFailed = json::find(object, path + ".maxFailedIndexes");
  if (perIndex && !indexed) {
    errors.push_back(invalidField(path + ".backoffLimitPerIndex", *perIndex, "requires indexed completion mode"));
  }
  if (mostFailed && !perIndex) {
    errors.push_back(requiredField(path + ".backoffLimitPerIndex", "when maxFailedIndexes is specified"));
  }
  if (!indexed) return;
  const json::Value* completions = json::find(object, path + ".completions");
  if (!completions) {
    errors.push_back(requiredField(path + ".completions", "when completion mode is Indexed"));
  } else {
    limit(object, path + ".maxFailedIndexes", getInt(object, path + ".completions"),
          "must be less than or equal to completions", errors);
  }
  limit(object, path + ".parallelism", kMostIndexes, atMost(kMostIndexes) + " when completion mode is Indexed", errors);
  limit(object, path + ".maxFailedIndexes", kMostIndexes, atMost(kMostIndexes), errors);
  checkManyIndexes(object, path, errors);
}

void checkPodFailurePolicy(const json::Value& object, const std::string& path, FieldErrors& errors) {
  const json::Value* policy = json::find(object, path + ".podFailurePolicy");
  if (!policy) return;
  const std::string restartPath = path + ".template.spec.restartPolicy";
  if (const auto restart = getString(object, restartPath); restart == "OnFailure") {
    errors.push_back(invalidField(restartPath, json::Value(restart),
                                  "only \"Never\" is supported when podFailurePolicy is specified"));
  }
  const auto& rules = arrayAt(*policy, "rules");
  const std::string rulesPath = path + ".podFailurePolicy.rules";
  checkRuleCount(rules, rulesPath, errors);
  const auto containers = containerNames(object, path);
  const bool perIndex = json::find(object, path + ".backoffLimitPerIndex") != nullptr;
  forEachItem(rules, rulesPath, [&](const json::Value& rule, const std::string& at) {
    checkFailureRule(rule, perIndex, containers, at, errors);
  });
}

void checkSuccessPolicy(const json::Value& object, const std::string& path, FieldErrors& errors) {
  const json::Value* policy = json::find(object, path + ".successPolicy");
  if (!policy) return;
  const std::string field = path + ".successPolicy";
  if (getString(object, path + ".completionMode") != "Indexed") {
    return errors.push_back(invalidField(field, *policy, "requires indexed completion mode"));
  }
  const auto& rules = arrayAt(*policy, "rules");
  if (rules.empty()) {
    errors.push_back(
        requiredField(field + ".rules", "at least one rules must be specified when the successPolicy is specified"));
  }
  checkRuleCount(rules, field + ".rules", errors);
  const auto completions = getInt(object, path + ".completions");
  forEachItem(rules, field + ".rules",
              [&](const json::Value& rule, const std::string& at) { checkSuccessRule(rule, completions, at, errors); });
}

void checkPodReplacementPolicy(const json::Value& object, const std::string& path, FieldErrors& errors) {
  const json::Value* policy = json::find(object, path + ".podReplacementPolicy");
  if (!policy || !json::find(object, path + ".podFailurePolicy") || textOf(*policy) == "Failed") return;
  errors.push_back(meta::notSupportedField(path + ".podReplacementPolicy", *policy, {"Failed"}));
}

}  // namespace wherry::apiserver
