// The text form of label selectors: the grammar and the complaints of apimachinery's labels.Parse.
#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"
#include "meta/names.h"
#include "meta/selector.h"
#include "meta/status.h"

namespace wherry::meta {
namespace {

using Operator = LabelSelector::Operator;
using Requirement = LabelSelector::Requirement;

constexpr std::string_view kOperators = "in, notin, =, ==, !=, gt, lt";
constexpr std::string_view kSpecial = "=!(),><";
constexpr std::string_view kSpace = " \t\r\n";

// One token: a special sign ("(", "=", "!=", ...), or a word; empty at the end.
struct Token {
  std::string_view text;
  bool isWord() const { return !text.empty() && kSpecial.find(text[0]) == std::string_view::npos; }
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : rest_(text) { advance(); }

  const Token& peek() const { return token_; }
  Token take() {
    Token taken = token_;
    advance();
    return taken;
  }

 private:
  void advance() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpace), rest_.size()));
    token_.text = rest_.substr(0, length());
    rest_.remove_prefix(token_.text.size());
  }

  size_t length() const {
    if (rest_.empty()) return 0;
    for (std::string_view two : {"==", "!="}) {
      if (rest_.starts_with(two)) return two.size();
    }
    if (kSpecial.find(rest_[0]) != std::string_view::npos) return 1;
    return std::min(rest_.find_first_of("=!(),>< \t\r\n"), rest_.size());
  }

  std::string_view rest_;
  Token token_;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  std::vector<Requirement> parse() {
    std::vector<Requirement> requirements;
    while (!lexer_.peek().text.empty()) {
      if (!lexer_.peek().isWord() && lexer_.peek().text != "!") fail("!, identifier, or 'end of string'");
      requirements.push_back(requirement());
      if (lexer_.peek().text.empty()) break;
      if (lexer_.peek().text != ",") fail("',' or 'end of string'");
      lexer_.take();
      if (!lexer_.peek().isWord() && lexer_.peek().text != "!") fail("identifier after ','");
    }
    return requirements;
  }

 private:
  [[noreturn]] void fail(std::string_view expected) const {
    throw badRequest(
        fmt::format("unable to parse requirement: found '{}', expected: {}", lexer_.peek().text, expected));
  }

  Requirement requirement() {
    Requirement requirement{"", Operator::kExists, {}};
    if (lexer_.peek().text == "!") {
      lexer_.take();
      requirement.op = Operator::kDoesNotExist;
    }
    if (!lexer_.peek().isWord()) fail("identifier");
    requirement.key = lexer_.take().text;
    check(requirement.key, checkQualifiedName(requirement.key));
    if (requirement.op == Operator::kExists) readComparison(requirement);
    return requirement;
  }

  void readComparison(Requirement& requirement) {
    const Token& next = lexer_.peek();
    if (next.text.empty() || next.text == ",") return;
    requirement.op = takeOperator();
    bool isSet = requirement.op == Operator::kIn || requirement.op == Operator::kNotIn;
    requirement.values = isSet ? setOfValues() : std::vector{oneValue()};
    for (const std::string& value : requirement.values) check(value, checkLabelValue(value));
    bool isOrder = requirement.op == Operator::kGreaterThan || requirement.op == Operator::kLessThan;
    if (isOrder && !base::parseInt<int64_t>(requirement.values[0])) {
      throw badRequest("unable to parse requirement: values[0][" + requirement.key + "]: Invalid value: \"" +
                       requirement.values[0] + "\": for 'Gt', 'Lt' operators, the value must be an integer");
    }
  }

  Operator takeOperator() {
    static constexpr std::pair<std::string_view, Operator> kTable[] = {
        {"=", Operator::kEquals},    {"==", Operator::kEquals},     {"!=", Operator::kNotEquals}, {"in", Operator::kIn},
        {"notin", Operator::kNotIn}, {">", Operator::kGreaterThan}, {"<", Operator::kLessThan}};
    for (const auto& [text, op] : kTable) {
      if (lexer_.peek().text != text) continue;
      lexer_.take();
      return op;
    }
    fail(kOperators);
  }

  // A value may be missing: "a=" wants the empty text.
  std::string oneValue() {
    if (lexer_.peek().text.empty() || lexer_.peek().text == ",") return "";
    if (!lexer_.peek().isWord()) fail("identifier");
    return std::string(lexer_.take().text);
  }

  std::vector<std::string> setOfValues() {
    if (lexer_.peek().text != "(") fail("'('");
    lexer_.take();
    std::vector<std::string> values;
    while (true) {
      values.emplace_back(lexer_.peek().isWord() ? lexer_.take().text : "");
      if (lexer_.peek().text != ",") break;
      lexer_.take();
    }
    if (lexer_.peek().text != ")") fail("',' or ')'");
    lexer_.take();
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    return values;
  }

  static void check(std::string_view text, const std::vector<std::string>& errors) {
    if (errors.empty()) return;
    throw badRequest(
        fmt::format("unable to parse requirement: <nil>: Invalid value: \"{}\": {}", text, base::join(errors, "; ")));
  }

  Lexer lexer_;
};

// Splits "a=b\,c,d=e" at the commas that no backslash escapes.
std::vector<std::string> splitTerms(std::string_view text) {
  std::vector<std::string> terms(1);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ',') {
      terms.emplace_back();
    } else {
      terms.back() += text[i];
      if (text[i] == '\\' && i + 1 < text.size()) terms.back() += text[++i];
    }
  }
  return terms;
}

std::string unescapeValue(std::string_view text, std::string_view selector) {
  std::string value;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      value += text[i];
      continue;
    }
    char next = i + 1 < text.size() ? text[++i] : '\0';
    if (next != '\\' && next != ',' && next != '=') {
      throw badRequest(fmt::format("invalid field selector: invalid escape sequence: {}", selector));
    }
    value += next;
  }
  return value;
}

}  // namespace

LabelSelector LabelSelector::parse(std::string_view text) {
  LabelSelector selector;
  selector.requirements_ = Parser(text).parse();
  std::stable_sort(selector.requirements_.begin(), selector.requirements_.end(),
                   [](const Requirement& a, const Requirement& b) { return a.key < b.key; });
  return selector;
}

FieldSelector FieldSelector::parse(std::string_view text) {
  FieldSelector selector;
  for (const std::string& term : splitTerms(text)) {
    if (term.empty()) continue;
    size_t sign = term.find('=');
    if (sign == std::string::npos) {
      throw badRequest(fmt::format("invalid selector: '{}'; can't understand '{}'", text, term));
    }
    bool equals = sign == 0 || term[sign - 1] != '!';
    std::string field = term.substr(0, equals ? sign : sign - 1);
    size_t valueAt = equals && term.compare(sign, 2, "==") == 0 ? sign + 2 : sign + 1;
    selector.terms_.push_back({field, unescapeValue(std::string_view(term).substr(valueAt), text), equals});
  }
  return selector;
}

bool FieldSelector::matches(const std::function<std::string(const std::string&)>& value) const {
  return std::all_of(terms_.begin(), terms_.end(),
                     [&](const Term& term) { return (value(term.field) == term.value) == term.equals; });
}

std::optional<std::string> FieldSelector::required(std::string_view field) const {
  for (const Term& term : terms_) {
    if (term.equals && term.field == field) return term.value;
  }
  return std::nullopt;
}

}  // namespace wherry::meta
