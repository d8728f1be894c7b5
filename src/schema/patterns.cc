#include "schema/patterns.h"

#include <memory>
#include <unordered_map>

#include <re2/re2.h>

#include "base/guarded.h"

namespace wherry::schema {
namespace {

constexpr size_t kMaxPatterns = 500;
constexpr int64_t kMaxPatternMemory = 1 << 20;

using Compiled = std::shared_ptr<const re2::RE2>;

Compiled compile(const std::string& pattern) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxPatternMemory);
  return std::make_shared<const re2::RE2>(pattern, options);
}

Compiled compiled(const std::string& pattern) {
  static base::Guarded<std::unordered_map<std::string, Compiled>> cache;
  return cache.with([&](auto& known) {
    if (auto found = known.find(pattern); found != known.end()) return found->second;
    if (known.size() >= kMaxPatterns) known.clear();
    return known.emplace(pattern, compile(pattern)).first->second;
  });
}

}  // namespace

bool isPattern(const std::string& text) { return compile(text)->ok(); }

bool matchesPattern(const std::string& pattern, std::string_view text) {
  Compiled expression = compiled(pattern);
  return !expression->ok() || re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *expression);
}

}  // namespace wherry::schema
