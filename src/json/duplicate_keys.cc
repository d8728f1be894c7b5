#include <unordered_set>

#include "json/value.h"

namespace wherry::json {
namespace {

// Walks over text that is known to be JSON with a stack of its own, so its depth costs no call stack.
class DuplicateKeyScanner {
 public:
  explicit DuplicateKeyScanner(std::string_view text) : text_(text) {}

  std::vector<std::string> scan() {
    while (at_ < text_.size()) step();
    return std::move(duplicates_);
  }

 private:
  struct Level {
    bool isObject = false;
    bool expectsKey = false;
    size_t index = 0;       // of the element of an array
    std::string key;        // of the member of an object
    size_t pathLength = 0;  // of the path in front of this level
    std::unordered_set<std::string> keys;
  };

  void step() {
    char c = text_[at_];
    if (c == '"') return onString();
    ++at_;
    if (c == '{' || c == '[') return open(c == '{');
    if (c == '}' || c == ']') return close();
    if (c == ',' && !levels_.empty()) next(levels_.back());
  }

  void open(bool isObject) {
    size_t pathLength = path_.size();
    if (!levels_.empty()) path_ += segment(levels_.back());
    levels_.push_back({.isObject = isObject, .expectsKey = isObject, .pathLength = pathLength});
  }

  void close() {
    path_.resize(levels_.back().pathLength);
    levels_.pop_back();
  }

  static void next(Level& level) {
    level.expectsKey = level.isObject;
    ++level.index;
  }

  std::string segment(const Level& level) const {
    if (!level.isObject) return "[" + std::to_string(level.index) + "]";
    return path_.empty() ? level.key : "." + level.key;
  }

  void onString() {
    size_t begin = at_;
    skipString();
    if (levels_.empty() || !levels_.back().expectsKey) return;
    Level& level = levels_.back();
    level.expectsKey = false;
    level.key = unescape(text_.substr(begin, at_ - begin));
    if (!level.keys.insert(level.key).second) duplicates_.push_back(path_ + segment(level));
  }

  void skipString() {
    for (++at_; text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\') ++at_;
    }
    ++at_;
  }

  static std::string unescape(std::string_view quoted) {
    if (quoted.find('\\') == std::string_view::npos) return std::string(quoted.substr(1, quoted.size() - 2));
    return std::string(std::string_view(parse(quoted).get_string()));
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string path_;
  std::vector<Level> levels_;
  std::vector<std::string> duplicates_;
};

}  // namespace

std::vector<std::string> duplicateKeys(std::string_view text) { return DuplicateKeyScanner(text).scan(); }

}  // namespace wherry::json
