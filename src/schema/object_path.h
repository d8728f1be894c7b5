// Where a walk through an object stands. Each step lives on the walker's stack and points to the one before, so that
// the text is only made when there is something to say about the place.
#pragma once

#include <string>
#include <string_view>

namespace wherry::schema {

class ObjectPath {
 public:
  ObjectPath() = default;
  ObjectPath field(std::string_view name) const { return {this, Step::kField, name, 0}; }  // "spec.replicas"
  ObjectPath key(std::string_view name) const { return {this, Step::kKey, name, 0}; }      // "data[a.txt]"
  ObjectPath item(size_t index) const { return {this, Step::kItem, {}, index}; }           // "containers[0]"

  bool root() const { return parent_ == nullptr; }
  std::string text() const {
    std::string out;
    append(out);
    return out;
  }
  // Only the names of fields: "spec.containers.image", as the decoder says it.
  std::string fields() const {
    std::string out = parent_ ? parent_->fields() : std::string();
    if (step_ != Step::kField) return out;
    if (!out.empty()) out += '.';
    return out.append(name_);
  }

 private:
  enum class Step { kRoot, kField, kKey, kItem };
  ObjectPath(const ObjectPath* parent, Step step, std::string_view name, size_t index)
      : parent_(parent), step_(step), name_(name), index_(index) {}

  void append(std::string& out) const {
    if (parent_) parent_->append(out);
    if (step_ == Step::kField) {
      if (!out.empty()) out += '.';
      out.append(name_);
    } else if (step_ == Step::kKey) {
      out.append("[").append(name_).append("]");
    } else if (step_ == Step::kItem) {
      out.append("[").append(std::to_string(index_)).append("]");
    }
  }

  const ObjectPath* parent_ = nullptr;
  Step step_ = Step::kRoot;
  std::string_view name_;
  size_t index_ = 0;
};

// How many things are said about one object, so that a small request can't make a huge answer.
inline constexpr size_t kMaxFindings = 100;

}  // namespace wherry::schema
