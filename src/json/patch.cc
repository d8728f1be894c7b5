#include "json/patch.h"

#include "base/strings.h"

namespace wherry::json {
namespace {

constexpr size_t kMaxOperations = 10'000;
constexpr size_t kMaxCopiedBytes = 8 << 20;

// RFC 6901: the reference tokens of a pointer, "~1" and "~0" decoded.
std::vector<std::string> parsePointer(std::string_view pointer) {
  std::vector<std::string> tokens;
  if (pointer.empty()) return tokens;
  if (pointer[0] != '/') throw PatchError("the pointer \"" + std::string(pointer) + "\" does not begin with \"/\"");
  for (std::string_view token : base::split(pointer.substr(1), '/')) {
    tokens.push_back(base::replaceAll(base::replaceAll(token, "~1", "/"), "~0", "~"));
  }
  return tokens;
}

// RFC 6901 section 4: digits without leading zeros. `end` is the first index that does not exist.
size_t parseIndex(const std::string& token, size_t end) {
  auto index = base::parseInt<size_t>(token);
  if (!index || (token.size() > 1 && token[0] == '0')) throw PatchError("\"" + token + "\" is not an array index");
  if (*index >= end) throw PatchError("the array index " + token + " is out of bounds");
  return *index;
}

Value* findChild(Value& parent, const std::string& token) {
  if (Object* object = parent.if_object()) return object->if_contains(token);
  if (Array* array = parent.if_array()) return &(*array)[parseIndex(token, array->size())];
  return nullptr;
}

// One operation of RFC 6902 section 4.
class Operation {
 public:
  explicit Operation(const Value& operation) {
    const Object* members = operation.if_object();
    if (members == nullptr) throw PatchError("an operation is not an object");
    members_ = members;
    op_ = text("op");
    path_ = text("path");
    tokens_ = parsePointer(path_);
  }

  // `copiedBytes` is what the operations so far have copied.
  void apply(Value& document, size_t& copiedBytes) const {
    if (op_ == "add") return add(document, value());
    if (op_ == "remove") return static_cast<void>(take(document, tokens_));
    if (op_ == "replace") return replace(document);
    if (op_ == "move") return move(document);
    if (op_ == "copy") return copy(document, copiedBytes);
    if (op_ == "test") return test(document);
    throw PatchError("unknown operation \"" + op_ + "\"");
  }

 private:
  std::string text(std::string_view key) const {
    const Value* value = members_->if_contains(key);
    if (value == nullptr || !value->is_string()) {
      throw PatchError("an operation has no \"" + std::string(key) + "\" of type string");
    }
    return std::string(std::string_view(value->get_string()));
  }

  const Value& value() const {
    const Value* value = members_->if_contains("value");
    if (value == nullptr) throw PatchError("the operation \"" + op_ + "\" has no \"value\"");
    return *value;
  }

  [[noreturn]] void missing() const {
    throw PatchError("the path \"" + path_ + "\" of \"" + op_ + "\" does not exist");
  }

  Value& get(Value& document, const std::vector<std::string>& tokens) const {
    Value* at = &document;
    for (const std::string& token : tokens) {
      at = findChild(*at, token);
      if (at == nullptr) missing();
    }
    return *at;
  }

  Value& parentOf(Value& document, const std::vector<std::string>& tokens) const {
    return get(document, {tokens.begin(), tokens.end() - 1});
  }

  void add(Value& document, Value added) const {
    if (tokens_.empty()) return static_cast<void>(document = std::move(added));
    Value& parent = parentOf(document, tokens_);
    const std::string& last = tokens_.back();
    if (Object* object = parent.if_object()) {
      object->insert_or_assign(last, std::move(added));
    } else if (Array* array = parent.if_array()) {
      size_t index = last == "-" ? array->size() : parseIndex(last, array->size() + 1);
      array->insert(array->begin() + index, std::move(added));
    } else {
      missing();
    }
  }

  Value take(Value& document, const std::vector<std::string>& tokens) const {
    Value taken = std::move(get(document, tokens));
    if (tokens.empty()) return taken;
    Value& parent = parentOf(document, tokens);
    if (Object* object = parent.if_object()) {
      object->stable_erase(object->find(tokens.back()));
    } else {
      Array& array = parent.get_array();
      array.erase(array.begin() + parseIndex(tokens.back(), array.size()));
    }
    return taken;
  }

  void replace(Value& document) const { get(document, tokens_) = value(); }

  void move(Value& document) const {
    std::string from = text("from");
    // RFC 6902 section 4.4: a location can't be moved into one of its children.
    if (path_.starts_with(from + "/")) throw PatchError("\"" + from + "\" can't be moved into itself");
    add(document, take(document, parsePointer(from)));
  }

  void copy(Value& document, size_t& copiedBytes) const {
    const Value& from = get(document, parsePointer(text("from")));
    copiedBytes += approximateBytes(from);
    if (copiedBytes > kMaxCopiedBytes) throw PatchError("the operations copy more than is allowed");
    add(document, Value(from));
  }

  void test(Value& document) const {
    if (!equal(get(document, tokens_), value())) {
      throw PatchError("testing value " + path_ + " failed: test failed");
    }
  }

  const Object* members_;
  std::string op_;
  std::string path_;
  std::vector<std::string> tokens_;
};

}  // namespace

void applyJsonPatch(Value& document, const Value& operations) {
  const Array* list = operations.if_array();
  if (list == nullptr) throw PatchError("a JSON Patch is an array of operations");
  if (list->size() > kMaxOperations) {
    throw PatchError("the allowed maximum operations in a JSON patch is " + std::to_string(kMaxOperations) + ", got " +
                     std::to_string(list->size()));
  }
  size_t copiedBytes = 0;
  for (const Value& operation : *list) Operation(operation).apply(document, copiedBytes);
}

void applyMergePatch(Value& document, const Value& patch) {
  const Object* changes = patch.if_object();
  if (changes == nullptr) return static_cast<void>(document = patch);
  if (!document.is_object()) document.emplace_object();
  Object& object = document.get_object();
  for (const auto& change : *changes) {
    if (!change.value().is_null()) {
      applyMergePatch(object[change.key()], change.value());
    } else if (auto at = object.find(change.key()); at != object.end()) {
      object.stable_erase(at);
    }
  }
}

}  // namespace wherry::json
