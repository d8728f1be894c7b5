#include "schema/apply_field_set.h"

namespace wherry::schema {
namespace {

void visitBelow(const FieldSet& set, const std::string& path, const std::function<void(const std::string&)>& visitor) {
  for (const auto& [element, child] : set.children) {
    std::string childPath = path + elementText(element);
    if (child.member) visitor(childPath);
    visitBelow(child, childPath, visitor);
  }
}

// The one way in which we write an element, whoever wrote it.
std::string normalizeElement(std::string_view element) {
  std::string_view rest = element.substr(std::min<size_t>(2, element.size()));
  if (element.starts_with("f:")) return std::string(element);
  if (element.starts_with("v:")) return valueElement(json::parse(rest));
  if (!element.starts_with("k:")) throw json::ParseError("unknown path element " + std::string(element));
  json::Value parsed = json::parse(rest);
  if (!parsed.is_object()) throw json::ParseError("the keys in " + std::string(element) + " are no object");
  std::map<std::string, const json::Value*> keys;
  for (const auto& key : parsed.get_object()) keys[std::string(key.key())] = &key.value();
  return keyElement(keys);
}

}  // namespace

const FieldSet* FieldSet::find(std::string_view element) const {
  auto found = children.find(element);
  return found == children.end() ? nullptr : &found->second;
}

void FieldSet::attach(std::string element, FieldSet child) {
  if (!child.empty()) children.insert_or_assign(std::move(element), std::move(child));
}

void FieldSet::unite(const FieldSet& other) {
  member = member || other.member;
  for (const auto& [element, child] : other.children) children[element].unite(child);
}

FieldSet FieldSet::minus(const FieldSet& other) const {
  FieldSet result{member && !other.member, {}};
  for (const auto& [element, child] : children) {
    const FieldSet* theirs = other.find(element);
    result.attach(element, theirs == nullptr ? child : child.minus(*theirs));
  }
  return result;
}

FieldSet FieldSet::intersect(const FieldSet& other) const {
  FieldSet result{member && other.member, {}};
  for (const auto& [element, child] : children) {
    if (const FieldSet* theirs = other.find(element)) result.attach(element, child.intersect(*theirs));
  }
  return result;
}

void FieldSet::visit(const std::function<void(const std::string&)>& visitor) const { visitBelow(*this, "", visitor); }

json::Value FieldSet::toJson() const {
  json::Object result;
  for (const auto& [element, child] : children) {
    json::Object below;
    if (child.member && !child.children.empty()) below["."] = json::Object();
    json::Value rest = child.toJson();
    for (auto& entry : rest.get_object()) below[entry.key()] = std::move(entry.value());
    result[element] = std::move(below);
  }
  return result;
}

FieldSet FieldSet::fromJson(const json::Value& fields) {
  if (!fields.is_object()) throw json::ParseError("fieldsV1 is no object");
  FieldSet result;
  for (const auto& entry : fields.get_object()) {
    std::string_view element = entry.key();
    if (element == ".") {
      result.member = true;
      continue;
    }
    FieldSet child = fromJson(entry.value());
    if (child.children.empty()) child.member = true;
    result.children[normalizeElement(element)].unite(child);
  }
  return result;
}

std::string elementText(std::string_view element) {
  std::string_view rest = element.substr(2);
  if (element.starts_with("f:")) return "." + std::string(rest);
  if (element.starts_with("v:")) return "[=" + std::string(rest) + "]";
  std::string text = "[";
  const json::Value keys = json::parse(rest);
  for (const auto& key : keys.as_object()) {
    if (text.size() > 1) text += ',';
    (text.append(key.key()) += '=') += json::serialize(key.value());
  }
  return text + "]";
}

std::string fieldElement(std::string_view name) { return "f:" + std::string(name); }

std::string valueElement(const json::Value& value) { return "v:" + json::serialize(value); }

std::string keyElement(const std::map<std::string, const json::Value*>& keys) {
  json::Object object;
  for (const auto& [name, value] : keys) object[name] = *value;
  return "k:" + json::serialize(object);
}

}  // namespace wherry::schema
