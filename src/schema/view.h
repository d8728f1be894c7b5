// The base of the typed views that the build generates from api/ into views/<group>_<version>.h, spelled as the path
// is:
//
//   #include "views/core_v1.h"
//   core_v1::Pod pod(object);                    // from a meta::ObjectPtr, which it keeps alive
//   for (auto container : pod.spec().containers()) use(container.name());
//
// A nested view is a pointer into the tree: cheap to copy, valid as long as the object. A missing struct is an empty
// view whose fields are all empty in turn. Scalars: std::string_view, int64_t, double, bool (zero value when missing;
// `hasX()` tells). Maps of text: StringMap. Lists: List<V>. Untyped fields: const json::Value* (null when missing).
// An optional integer or boolean also has `xOr(fallback)`. An accessor whose name is a C++ keyword gets a trailing
// underscore (namespace_, default_, operator_, continue_).
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "json/value.h"
#include "meta/object.h"

namespace wherry::schema {

class View {
 public:
  View() = default;
  explicit View(const json::Value* value) : object_(value ? value->if_object() : nullptr) {}
  explicit View(const json::Object* object) : object_(object) {}

  // The struct is there.
  explicit operator bool() const { return object_ != nullptr; }
  bool has(std::string_view key) const { return field(key) != nullptr; }
  // The field's value; null when it or the struct is missing, or when it is null.
  const json::Value* field(std::string_view key) const;
  // The tree below; an empty object when missing.
  const json::Object& tree() const;

 protected:
  std::string_view text(std::string_view key) const;
  int64_t integer(std::string_view key, int64_t fallback = 0) const;
  double number(std::string_view key) const;
  bool boolean(std::string_view key, bool fallback = false) const;
  const json::Object& object(std::string_view key) const;
  const json::Array& array(std::string_view key) const;

 private:
  const json::Object* object_ = nullptr;
};

// The base of the views of whole objects, which they keep alive. Made without one (or from null), such a view is empty
// and false.
class ObjectView : public View {
 public:
  ObjectView() = default;
  explicit ObjectView(meta::ObjectPtr object) : View(object ? &object->tree() : nullptr), shared_(std::move(object)) {}

  const meta::ObjectPtr& object() const { return shared_; }
  // REQUIRES: not empty, as for metadata().
  meta::ObjectKey key() const { return shared_->key(); }
  meta::Metadata metadata() const { return shared_->metadata(); }

 private:
  meta::ObjectPtr shared_;
};

// A list of structs (V made from each element) or of texts (V = std::string_view).
template <typename V>
class List {
 public:
  explicit List(const json::Array& array) : array_(&array) {}

  class Iterator {
   public:
    explicit Iterator(const json::Value* at) : at_(at) {}
    V operator*() const { return make(*at_); }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    const json::Value* at_;
  };

  Iterator begin() const { return Iterator(array_->data()); }
  Iterator end() const { return Iterator(array_->data() + array_->size()); }
  size_t size() const { return array_->size(); }
  bool empty() const { return array_->empty(); }
  V operator[](size_t index) const { return make((*array_)[index]); }

 private:
  static V make(const json::Value& value) {
    if constexpr (std::is_same_v<V, std::string_view>) {
      return value.is_string() ? std::string_view(value.get_string()) : std::string_view();
    } else {
      return V(&value);
    }
  }

  const json::Array* array_;
};

// A map from text to text (labels, data, nodeSelector), in the order of the tree.
class StringMap {
 public:
  explicit StringMap(const json::Object& object) : object_(&object) {}
  std::string_view get(std::string_view key) const;  // "" when missing
  bool has(std::string_view key) const { return object_->if_contains(key) != nullptr; }
  size_t size() const { return object_->size(); }
  bool empty() const { return object_->empty(); }
  const json::Object& tree() const { return *object_; }

 private:
  const json::Object* object_;
};

}  // namespace wherry::schema
