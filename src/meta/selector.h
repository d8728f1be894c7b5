// Label selectors (text form and LabelSelector objects) and field selectors. Immutable once parsed.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/value.h"

namespace wherry::meta {

class LabelSelector {
 public:
  enum class Operator { kEquals, kNotEquals, kIn, kNotIn, kExists, kDoesNotExist, kGreaterThan, kLessThan };
  struct Requirement {
    std::string key;
    Operator op;
    std::vector<std::string> values;
  };

  // Matches everything.
  static LabelSelector everything() { return LabelSelector(); }
  static LabelSelector nothing();
  // "a=b,c!=d,e in (f,g),!h,i>3". Throws StatusError BadRequest with Kubernetes' words.
  static LabelSelector parse(std::string_view text);
  // {"matchLabels": ..., "matchExpressions": ...}; null matches nothing, {} everything. Throws StatusError BadRequest
  // on an unknown operator.
  static LabelSelector fromObject(const json::Value* selector);
  // {"app": "web"}: all equal (Service and ReplicationController selectors). An empty one matches nothing.
  static LabelSelector fromMap(const json::Object& labels);

  bool matches(const json::Object& labels) const;
  // The same over any sorted or unsorted lookup: find(key) -> value or nothing.
  bool matches(const std::function<std::optional<std::string_view>(std::string_view)>& find) const;
  bool isEverything() const { return !nothing_ && requirements_.empty(); }
  const std::vector<Requirement>& requirements() const { return requirements_; }
  std::string text() const;

 private:
  std::vector<Requirement> requirements_;
  bool nothing_ = false;
};

// "metadata.name=a,status.phase!=Running"; which fields a kind supports is its own matter.
class FieldSelector {
 public:
  struct Term {
    std::string field;
    std::string value;
    bool equals;
  };

  static FieldSelector parse(std::string_view text);  // throws StatusError BadRequest
  bool empty() const { return terms_.empty(); }
  const std::vector<Term>& terms() const { return terms_; }
  // field -> its value as text ("" when missing)
  bool matches(const std::function<std::string(const std::string&)>& value) const;
  // The value that `field` must be equal to, if the selector says so.
  std::optional<std::string> required(std::string_view field) const;

 private:
  std::vector<Term> terms_;
};

}  // namespace wherry::meta
