#include "schema/table_jsonpath.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/strings.h"

namespace wherry::schema {
namespace {

using json::Value;

constexpr size_t kMaxLength = 1024;  // filters nest as deeply as the text is long

enum class Comparison { kExists, kEqual, kNotEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual };

}  // namespace

struct JsonPath::Step {
  enum class Type { kField, kSlice, kAll, kFilter };

  Type type = Type::kAll;
  std::string field;
  std::optional<int64_t> begin, end;  // of a slice; negative ones count from the end
  // Of a filter: elements whose value at `path` compares so with `literal`.
  std::vector<Step> path;
  Comparison comparison = Comparison::kExists;
  Value literal;
};

namespace {

using Step = JsonPath::Step;

bool endsName(char c) {
  return c == '.' || c == '[' || c == ']' || c == ' ' || c == '=' || c == '!' || c == '<' || c == '>' || c == ')';
}

// Reads a path from the front of a text; every function answers nothing when the text is wrong.
class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  bool atEnd() const { return rest_.empty(); }

  bool skip(std::string_view expected) {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }

  std::optional<std::vector<Step>> steps() {
    std::vector<Step> steps;
    while (!atEnd() && (rest_[0] == '.' || rest_[0] == '[')) {
      bool bracket = skip("[");
      if (!bracket && skip(".") && (atEnd() || rest_[0] == '[')) continue;
      auto step = bracket ? subscript() : field();
      if (!step) return std::nullopt;
      steps.push_back(std::move(*step));
    }
    return steps;
  }

 private:
  std::optional<Step> field() {
    Step step;
    if (skip("*")) return step;
    step.type = Step::Type::kField;
    while (!atEnd() && !endsName(rest_[0])) {
      if (rest_[0] == '\\') rest_.remove_prefix(1);
      if (atEnd()) return std::nullopt;
      step.field += rest_[0];
      rest_.remove_prefix(1);
    }
    if (step.field.empty()) return std::nullopt;
    return step;
  }

  std::optional<Step> subscript() {
    auto step = insideBrackets();
    if (!step || !skip("]")) return std::nullopt;
    return step;
  }

  std::optional<Step> insideBrackets() {
    if (skip("*")) return Step();
    if (skip("?(")) return filter();
    if (auto name = quoted()) {
      Step step;
      step.type = Step::Type::kField;
      step.field = std::move(*name);
      return step;
    }
    return slice();
  }

  std::optional<Step> slice() {
    Step step;
    step.type = Step::Type::kSlice;
    step.begin = integer();
    if (skip(":")) {
      step.end = integer();
      return step;
    }
    if (!step.begin) return std::nullopt;
    // One index is the slice up to the next one; behind the last one there is none.
    if (*step.begin != -1) step.end = *step.begin + 1;
    return step;
  }

  std::optional<Step> filter() {
    Step step;
    step.type = Step::Type::kFilter;
    skipSpace();
    if (!skip("@")) return std::nullopt;
    auto path = steps();
    if (!path) return std::nullopt;
    step.path = std::move(*path);
    skipSpace();
    step.comparison = comparison();
    skipSpace();
    if (step.comparison != Comparison::kExists) {
      auto value = literal();
      if (!value) return std::nullopt;
      step.literal = std::move(*value);
    }
    skipSpace();
    return skip(")") ? std::optional(std::move(step)) : std::nullopt;
  }

  Comparison comparison() {
    static constexpr std::pair<std::string_view, Comparison> kSigns[] = {
        {"==", Comparison::kEqual},          {"!=", Comparison::kNotEqual}, {"<=", Comparison::kLessOrEqual},
        {">=", Comparison::kGreaterOrEqual}, {"<", Comparison::kLess},      {">", Comparison::kGreater}};
    for (const auto& [sign, comparison] : kSigns) {
      if (skip(sign)) return comparison;
    }
    return Comparison::kExists;
  }

  std::optional<Value> literal() {
    if (auto text = quoted()) return Value(*text);
    size_t end = std::min(rest_.find_first_of(" )"), rest_.size());
    try {
      Value value = json::parse(rest_.substr(0, end));
      rest_.remove_prefix(end);
      return value;
    } catch (const json::ParseError&) {
      return std::nullopt;
    }
  }

  std::optional<std::string> quoted() {
    if (atEnd() || (rest_[0] != '\'' && rest_[0] != '"')) return std::nullopt;
    std::string text;
    for (size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == rest_[0]) {
        rest_.remove_prefix(i + 1);
        return text;
      }
      if (rest_[i] == '\\' && i + 1 < rest_.size()) ++i;
      text += rest_[i];
    }
    return std::nullopt;
  }

  std::optional<int64_t> integer() {
    size_t length = rest_.starts_with('-') ? 1 : 0;
    length = std::min(rest_.find_first_not_of("0123456789", length), rest_.size());
    auto value = base::parseInt<int32_t>(rest_.substr(0, length));
    if (value) rest_.remove_prefix(length);
    return value ? std::optional<int64_t>(*value) : std::nullopt;
  }

  void skipSpace() {
    while (skip(" ")) {
    }
  }

  std::string_view rest_;
};

using Values = std::vector<const Value*>;

Values follow(const std::vector<Step>& steps, const Value& root);

std::optional<int> order(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    double left = a.to_number<double>(), right = b.to_number<double>();
    return left < right ? -1 : left > right ? 1 : 0;
  }
  if (a.is_string() && b.is_string()) return a.get_string().compare(b.get_string());
  return std::nullopt;
}

bool compares(const Value& value, Comparison comparison, const Value& literal) {
  if (comparison == Comparison::kEqual) return json::equal(value, literal);
  if (comparison == Comparison::kNotEqual) return !json::equal(value, literal);
  auto sign = order(value, literal);
  if (!sign) return false;
  switch (comparison) {
    case Comparison::kLess:
      return *sign < 0;
    case Comparison::kLessOrEqual:
      return *sign <= 0;
    case Comparison::kGreater:
      return *sign > 0;
    default:
      return *sign >= 0;
  }
}

bool passes(const Step& filter, const Value& element) {
  Values found = follow(filter.path, element);
  if (found.empty()) return false;
  return filter.comparison == Comparison::kExists || compares(*found[0], filter.comparison, filter.literal);
}

void takeSlice(const Step& step, const json::Array& array, Values& found) {
  auto size = static_cast<int64_t>(array.size());
  auto fromEnd = [&](int64_t index) { return index < 0 ? index + size : index; };
  int64_t begin = std::max<int64_t>(0, fromEnd(step.begin.value_or(0)));
  int64_t end = std::min(size, step.end ? fromEnd(*step.end) : size);
  for (int64_t i = begin; i < end; ++i) found.push_back(&array[static_cast<size_t>(i)]);
}

void take(const Step& step, const Value& value, Values& found) {
  const json::Object* object = value.if_object();
  const json::Array* array = value.if_array();
  if (step.type == Step::Type::kField) {
    const Value* member = object == nullptr ? nullptr : object->if_contains(step.field);
    if (member != nullptr) found.push_back(member);
  } else if (step.type == Step::Type::kAll && object != nullptr) {
    for (const auto& member : *object) found.push_back(&member.value());
  } else if (array != nullptr && step.type == Step::Type::kSlice) {
    takeSlice(step, *array, found);
  } else if (array != nullptr) {
    for (const Value& element : *array) {
      if (step.type == Step::Type::kAll || passes(step, element)) found.push_back(&element);
    }
  }
}

Values follow(const std::vector<Step>& steps, const Value& root) {
  Values current = {&root};
  for (const Step& step : steps) {
    Values next;
    for (const Value* value : current) take(step, *value, next);
    current = std::move(next);
  }
  return current;
}

}  // namespace

std::optional<JsonPath> JsonPath::parse(std::string_view text) {
  if (text.size() > kMaxLength) return std::nullopt;
  if (text.starts_with('{') && text.ends_with('}')) text = text.substr(1, text.size() - 2);
  if (text.starts_with('$')) text.remove_prefix(1);
  Parser parser(text);
  auto steps = parser.steps();
  if (!steps || !parser.atEnd()) return std::nullopt;
  JsonPath path;
  path.steps_ = std::make_shared<const std::vector<Step>>(std::move(*steps));
  return path;
}

std::vector<const json::Value*> JsonPath::find(const json::Value& root) const { return follow(*steps_, root); }

}  // namespace wherry::schema
