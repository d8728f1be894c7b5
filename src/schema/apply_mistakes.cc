#include "schema/apply_mistakes.h"

#include <unordered_set>
#include <utility>

#include "schema/apply_field_set.h"
#include "schema/apply_shape.h"
#include "schema/object_path.h"

namespace wherry::schema {
namespace {

// Looks into atomic values too: one that is applied whole still has to be right.
class MistakeFinder {
 public:
  void visit(const Node* node, const json::Value& value) {
    if (node == nullptr || mistakes_.size() >= kMaxFindings) return;
    if (value.is_object()) {
      for (const auto& member : value.get_object()) {
        visitBelow(fieldNode(node, member.key()), "." + std::string(member.key()), member.value());
      }
    } else if (value.is_array() && node->items) {
      visitList(*node, value.get_array());
    }
  }

  std::vector<std::string> take() { return std::move(mistakes_); }

 private:
  void visitBelow(const Node* node, const std::string& step, const json::Value& value) {
    size_t length = path_.size();
    path_ += step;
    visit(node, value);
    path_.resize(length);
  }

  void visitList(const Node& list, const json::Array& array) {
    std::unordered_set<std::string> seen;
    for (size_t i = 0; i < array.size(); ++i) {
      if (list.listType == ListType::kAtomic) {
        visitBelow(list.items.get(), "[" + std::to_string(i) + "]", array[i]);
        continue;
      }
      std::string mistake = whyWithoutName(list, array[i]);
      if (!mistake.empty()) {
        report("element " + std::to_string(i) + ": " + mistake);
        continue;
      }
      std::string element = elementName(list, array[i]);
      std::string text = elementText(element);
      if (!seen.insert(std::move(element)).second) report("duplicate entries for key " + text);
      visitBelow(list.items.get(), text, array[i]);
    }
  }

  void report(const std::string& mistake) {
    if (mistakes_.size() < kMaxFindings) mistakes_.push_back(path_ + ": " + mistake);
  }

  std::string path_;
  std::vector<std::string> mistakes_;
};

}  // namespace

std::vector<std::string> applyMistakes(const Node& schema, const json::Value& applied) {
  MistakeFinder finder;
  finder.visit(&schema, applied);
  return finder.take();
}

}  // namespace wherry::schema
