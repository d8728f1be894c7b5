// JSON values. A tree is Boost.JSON's, whose own names are used everywhere; this header adds what the product needs
// around it. Functions are pure and safe from any thread; a Value that nobody changes may be read by many.
//
// Key order is kept. Numbers are int64_t, uint64_t or double, as they were written.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

namespace wherry::json {

using Value = boost::json::value;
using Object = boost::json::object;
using Array = boost::json::array;
using Kind = boost::json::kind;

// Text that is not JSON (RFC 8259); what() says why and where.
struct ParseError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct ParseLimits {
  // Far deeper than any real object, and shallow enough for every walk over a tree to fit a thread's stack.
  size_t maxDepth = 1000;
};

// Throws ParseError.
Value parse(std::string_view text, const ParseLimits& limits = {});

// The dotted paths of keys that stand twice in one object ("spec.replicas"), which parse() drops silently (the last
// one wins). `text` must have been accepted by parse().
std::vector<std::string> duplicateKeys(std::string_view text);

// Compact, keys in the order of the tree.
std::string serialize(const Value& value);

// Indented by four spaces, as `kubectl -o json` shows it.
std::string serializePretty(const Value& value);

// Deep equality; 1 and 1.0 are equal, the order of keys does not matter.
bool equal(const Value& a, const Value& b);

// The value at a dotted path ("spec.template.metadata"; a number indexes an array); nullptr when something on the way
// is missing.
const Value* find(const Value& root, std::string_view dottedPath);
const Value* find(const Object& root, std::string_view dottedPath);

// Text, number or truth at a dotted path; the fallback when it is missing or of another type.
std::string_view getString(const Value& root, std::string_view dottedPath, std::string_view fallback = {});
int64_t getInt(const Value& root, std::string_view dottedPath, int64_t fallback = 0);
bool getBool(const Value& root, std::string_view dottedPath, bool fallback = false);
std::string_view getString(const Object& root, std::string_view dottedPath, std::string_view fallback = {});
int64_t getInt(const Object& root, std::string_view dottedPath, int64_t fallback = 0);
bool getBool(const Object& root, std::string_view dottedPath, bool fallback = false);

// About what a copy of `value` takes; limits on copies that a client can ask for are made of it.
size_t approximateBytes(const Value& value);

// The object under `key`, made empty when it is missing or null. REQUIRES: it is not of another type.
Object& ensureObject(Object& parent, std::string_view key);
Array& ensureArray(Object& parent, std::string_view key);

}  // namespace wherry::json
