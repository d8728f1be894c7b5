#include "apiserver/protobuf_fields.h"

#include "base/strings.h"

namespace wherry::apiserver {
namespace {

// "3:rules:*admissionregistration.v1.Rule"
ProtobufField parseField(std::string_view text) {
  auto parts = base::split(text, ':');
  ProtobufField field;
  field.number = base::parseInt<uint32_t>(parts[0]).value_or(0);
  field.name = parts[1];
  auto type = parts[2];
  if (type.front() == '*') field.shape = ProtobufField::Shape::kList;
  if (type.front() == '%') field.shape = ProtobufField::Shape::kMap;
  if (field.shape != ProtobufField::Shape::kOne) type.remove_prefix(1);
  field.keepsZero = type.back() == '?';
  if (field.keepsZero) type.remove_suffix(1);
  field.type = type;
  return field;
}

// A message's text ends where the next line does not begin with a space.
std::string_view textOf(std::string_view from) {
  size_t end = from.find('\n');
  while (end != std::string_view::npos && end + 1 < from.size() && from[end + 1] == ' ') end = from.find('\n', end + 1);
  return from.substr(0, end);
}

}  // namespace

std::optional<ProtobufMessage> findProtobufMessage(std::string_view name) {
  auto text = protobufFieldsText();
  auto at = text.find("\n" + std::string(name) + " ");
  if (at == std::string_view::npos) return std::nullopt;
  ProtobufMessage message;
  auto fields = textOf(text.substr(at + name.size() + 2));
  size_t begin = 0;
  while (begin < fields.size()) {
    size_t end = std::min(fields.find_first_of(" \n", begin), fields.size());
    if (end > begin) message.push_back(parseField(fields.substr(begin, end - begin)));
    begin = end + 1;
  }
  return message;
}

}  // namespace wherry::apiserver
