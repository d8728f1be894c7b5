#include <algorithm>
#include <set>

#include "json/yaml.h"
#include "json/yaml_scalar.h"

namespace wherry::json {
namespace {

bool isControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// Plain text that a reader of YAML 1.1 or 1.2 would take for something else than text.
bool looksTyped(std::string_view text) {
  static const std::set<std::string_view> kYaml11Booleans = {"y",  "Y",  "n",  "N",  "yes", "Yes", "YES", "no",
                                                             "No", "NO", "on", "On", "ON",  "off", "Off", "OFF"};
  return !resolveScalar("?", text).is_string() || kYaml11Booleans.contains(text) || text == "<<" || text == "=";
}

bool needsQuotes(std::string_view text) {
  constexpr std::string_view kIndicators = "-?:,[]{}#&*!|>'\"%@` .";
  if (text.empty() || looksTyped(text)) return true;
  bool dashed = text[0] == '-' && text.size() > 1 && text[1] != ' ' && text[1] != '-';
  if (kIndicators.find(text[0]) != std::string_view::npos && !dashed) return true;
  // A date is a type of its own to some readers.
  if (text.size() >= 10 && text[4] == '-' && text[7] == '-' && text[0] >= '0' && text[0] <= '9') return true;
  return text.back() == ' ' || text.back() == ':' || text.find(": ") != std::string_view::npos ||
         text.find(" #") != std::string_view::npos || std::any_of(text.begin(), text.end(), isControl);
}

bool suitsLiteralBlock(std::string_view text) {
  if (text.find('\n') == std::string_view::npos || text[0] == ' ' || text[0] == '\n' || text[0] == '\t') return false;
  return std::none_of(text.begin(), text.end(), [](char c) { return isControl(c) && c != '\n' && c != '\t'; });
}

class Renderer {
 public:
  std::string render(const Value& value) {
    writeNested(value, 0, Place::kRoot);
    return std::move(out_);
  }

 private:
  enum class Place { kRoot, kAfterKey, kAfterDash };

  void writeNested(const Value& value, size_t indent, Place place) {
    if (const Object* object = value.if_object(); object != nullptr && !object->empty()) {
      writeMapping(*object, indent, place);
    } else if (const Array* array = value.if_array(); array != nullptr && !array->empty()) {
      writeSequence(*array, indent, place);
    } else {
      if (place == Place::kAfterKey) out_ += ' ';
      writeScalar(value, indent);
      out_ += '\n';
    }
  }

  // Begins the line of an entry; the first one stands right behind a dash.
  void startEntry(bool& first, size_t indent, Place place) {
    if (first && place == Place::kAfterKey) out_ += '\n';
    if (!first || place != Place::kAfterDash) out_.append(indent, ' ');
    first = false;
  }

  void writeMapping(const Object& object, size_t indent, Place place) {
    bool first = true;
    for (const auto& member : object) {
      startEntry(first, indent, place);
      writeKey(member.key());
      out_ += ':';
      // A sequence stands at the indentation of its key.
      writeNested(member.value(), member.value().is_array() ? indent : indent + 2, Place::kAfterKey);
    }
  }

  void writeSequence(const Array& array, size_t indent, Place place) {
    bool first = true;
    for (const Value& element : array) {
      startEntry(first, indent, place);
      out_ += "- ";
      writeNested(element, indent + 2, Place::kAfterDash);
    }
  }

  void writeKey(std::string_view key) {
    if (needsQuotes(key))
      out_ += json::serialize(Value(key));
    else
      out_ += key;
  }

  void writeScalar(const Value& value, size_t indent) {
    if (!value.is_string()) {
      out_ += json::serialize(value);
    } else if (std::string_view text = value.get_string(); suitsLiteralBlock(text)) {
      writeLiteralBlock(text, indent);
    } else {
      writeKey(text);
    }
  }

  void writeLiteralBlock(std::string_view text, size_t indent) {
    size_t end = text.find_last_not_of('\n') + 1;
    size_t newlines = text.size() - end;
    out_ += newlines == 0 ? "|-" : newlines == 1 ? "|" : "|+";
    std::string_view body = newlines <= 1 ? text.substr(0, end) : text.substr(0, text.size() - 1);
    for (size_t begin = 0; begin <= body.size();) {
      size_t lineEnd = std::min(body.find('\n', begin), body.size());
      out_ += '\n';
      if (lineEnd > begin) out_.append(std::max<size_t>(indent, 2), ' ').append(body, begin, lineEnd - begin);
      begin = lineEnd + 1;
    }
  }

  std::string out_;
};

}  // namespace

std::string renderYaml(const Value& value) { return Renderer().render(value); }

}  // namespace wherry::json
