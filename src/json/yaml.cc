#include "json/yaml.h"

#include <map>
#include <sstream>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "json/yaml_scalar.h"

namespace wherry::json {
namespace {

constexpr size_t kMaxDepth = ParseLimits{}.maxDepth;
// How many bytes anchors and aliases may add to a document beyond its text ("billion laughs").
constexpr size_t kMaxAliasedBytes = 8 << 20;

// Stands for the key "<<" of YAML 1.1 (merge); it is no UTF-8, so no text of a document is equal to it.
constexpr std::string_view kMergeKey = "\xff<<";

// Builds a tree out of the parser's events, with a stack of the collections that are open.
class TreeBuilder : public YAML::EventHandler {
 public:
  std::vector<Value> takeDocuments() { return std::move(documents_); }
  // Of all documents' outermost mappings.
  std::vector<YamlEntry> takeEntries() { return std::move(entries_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    // The parser does not pass over a token that can't begin a document, and would find it again for ever.
    if (mark.pos == documentStart_) throw YAML::ParserException(mark, "did not find expected <document start>");
    documentStart_ = mark.pos;
    anchors_.clear();
    aliasedBytes_ = 0;
    hasRoot_ = false;
  }
  void OnDocumentEnd() override {
    // A document of nothing but comments and null is an empty one.
    if (hasRoot_ && !root_.is_null()) documents_.push_back(std::move(root_));
  }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add(mark, Value(), "", anchor); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw YAML::ParserException(mark, "an alias inside of what it names");
    spend(mark, found->second);
    std::string text = found->second.is_string() ? std::string(found->second.get_string()) : std::string();
    add(mark, Value(found->second), text, 0);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    // Only a plain "<<" merges; a quoted one is a key like any other.
    bool merges = tag == "?" && text == "<<";
    add(mark, resolveScalar(tag, text), merges ? std::string(kMergeKey) : text, anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, Value(boost::json::array_kind), anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, Value(boost::json::object_kind), anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Level {
    Value value;
    YAML::anchor_t anchor;
    YAML::Mark mark;
    bool hasKey = false;
    std::string key;
    std::vector<Value> merged;  // of "<<", whose members give way to the mapping's own
  };

  void open(const YAML::Mark& mark, Value value, YAML::anchor_t anchor) {
    if (levels_.size() >= kMaxDepth) throw YAML::ParserException(mark, "nested too deeply");
    levels_.push_back({std::move(value), anchor, mark});
  }

  void close() {
    Level level = std::move(levels_.back());
    levels_.pop_back();
    for (Value& from : level.merged) merge(level, from);
    add(level.mark, std::move(level.value), "", level.anchor);
  }

  static void merge(Level& level, Value& from) {
    if (Array* several = from.if_array()) {
      for (Value& each : *several) merge(level, each);
      return;
    }
    if (!from.is_object())
      throw YAML::ParserException(level.mark, "map merge requires map or sequence of maps as the value");
    for (auto& member : from.get_object()) level.value.get_object().emplace(member.key(), std::move(member.value()));
  }

  void spend(const YAML::Mark& mark, const Value& copied) {
    aliasedBytes_ += approximateBytes(copied);
    if (aliasedBytes_ > kMaxAliasedBytes) throw YAML::ParserException(mark, "the document contains excessive aliasing");
  }

  // `text` is how the value was written, for a mapping's key.
  void add(const YAML::Mark& mark, Value value, const std::string& text, YAML::anchor_t anchor) {
    if (anchor != 0) {
      spend(mark, value);
      anchors_[anchor] = value;
    }
    if (levels_.empty()) {
      root_ = std::move(value);
      hasRoot_ = true;
    } else if (Level& level = levels_.back(); level.value.is_array()) {
      level.value.get_array().push_back(std::move(value));
    } else {
      if (levels_.size() == 1) noteEntry(mark, level, value, text);
      addToMapping(mark, level, std::move(value), text);
    }
  }

  void noteEntry(const YAML::Mark& mark, const Level& level, const Value& value, const std::string& text) {
    if (level.hasKey)
      entries_.back().value = value;
    else
      entries_.push_back({text, Value(), mark.line + 1});
  }

  static void addToMapping(const YAML::Mark& mark, Level& level, Value value, const std::string& text) {
    level.hasKey = !level.hasKey;
    if (level.hasKey) {
      if (value.is_structured()) throw YAML::ParserException(mark, "a key that is not a scalar");
      level.key = value.is_null() ? "null" : text;
    } else if (level.key == kMergeKey) {
      level.merged.push_back(std::move(value));
    } else {
      level.value.get_object().insert_or_assign(level.key, std::move(value));
    }
  }

  std::vector<Value> documents_;
  std::vector<YamlEntry> entries_;
  int documentStart_ = -1;
  Value root_;
  bool hasRoot_ = false;
  std::vector<Level> levels_;
  std::map<YAML::anchor_t, Value> anchors_;
  size_t aliasedBytes_ = 0;
};

bool looksLikeJson(std::string_view text) {
  size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && text[first] == '{';
}

TreeBuilder parseAll(std::string_view text) {
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    TreeBuilder builder;
    while (parser.HandleNextDocument(builder)) {
    }
    return builder;
  } catch (const YAML::Exception& error) {
    throw ParseError("yaml: " + std::string(error.what()));
  }
}

}  // namespace

std::vector<Value> parseYamlStream(std::string_view text) {
  if (looksLikeJson(text)) {
    try {
      return {parse(text)};
    } catch (const ParseError&) {
      // Flow style YAML begins the same way.
    }
  }
  return parseAll(text).takeDocuments();
}

Value parseYaml(std::string_view text) {
  std::vector<Value> documents = parseYamlStream(text);
  if (documents.size() != 1) throw ParseError("yaml: expected one document, got " + std::to_string(documents.size()));
  return std::move(documents.front());
}

std::vector<YamlEntry> parseYamlEntries(std::string_view text) {
  TreeBuilder builder = parseAll(text);
  std::vector<Value> documents = builder.takeDocuments();
  if (documents.empty()) return {};
  if (documents.size() > 1) throw ParseError("yaml: expected one document, got " + std::to_string(documents.size()));
  if (!documents.front().is_object()) throw ParseError("yaml: expected lines of the form `key: value`");
  return builder.takeEntries();
}

}  // namespace wherry::json
