// YAML 1.2 as Kubernetes manifests use it, read into and written from JSON trees. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"

namespace wherry::json {

// All documents of a stream; empty ones are left out. Plain scalars become null, bool, number or text by the core
// schema (so "yes" is text; kubectl's YAML library agrees for the documents that matter), quoted ones stay text.
// Throws ParseError. Aliases are expanded within a bound, so that a small text can't become a huge tree.
std::vector<Value> parseYamlStream(std::string_view text);

// One document. Throws ParseError when there is none or more than one.
Value parseYaml(std::string_view text);

// One document that is a mapping, as a person keeps settings in it: its entries as they stand, repeated keys too, each
// with the number of its line. Nothing but comments is no entry. Throws ParseError.
struct YamlEntry {
  std::string key;
  Value value;
  int line = 0;
};
std::vector<YamlEntry> parseYamlEntries(std::string_view text);

// Block style, keys in the order of the tree, texts quoted where they would be read as something else.
std::string renderYaml(const Value& value);

}  // namespace wherry::json
