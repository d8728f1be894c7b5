#include <charconv>

#include <boost/json/basic_parser_impl.hpp>

#include "json/value.h"

namespace wherry::json {
namespace {

using boost::json::error_code;
using Text = boost::json::string_view;

// Builds the tree as Boost's own parser does, but reads fractions to the last digit (Boost 1.81 may be off by one) and
// refuses numbers that no double can hold. Every callback answers whether to go on.
struct TreeHandler {
  static constexpr size_t max_object_size = Object::max_size();
  static constexpr size_t max_array_size = Array::max_size();
  static constexpr size_t max_key_size = boost::json::string::max_size();
  static constexpr size_t max_string_size = boost::json::string::max_size();

  boost::json::value_stack stack;

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return true; }
  bool on_object_end(size_t size, error_code&) { return stack.push_object(size), true; }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(size_t size, error_code&) { return stack.push_array(size), true; }
  bool on_key_part(Text part, size_t, error_code&) { return stack.push_chars(part), true; }
  bool on_key(Text rest, size_t, error_code&) { return stack.push_key(rest), true; }
  bool on_string_part(Text part, size_t, error_code&) { return stack.push_chars(part), true; }
  bool on_string(Text rest, size_t, error_code&) { return stack.push_string(rest), true; }
  bool on_number_part(Text, error_code&) { return true; }
  bool on_int64(int64_t value, Text, error_code&) { return stack.push_int64(value), true; }
  bool on_uint64(uint64_t value, Text, error_code&) { return stack.push_uint64(value), true; }
  bool on_bool(bool value, error_code&) { return stack.push_bool(value), true; }
  bool on_null(error_code&) { return stack.push_null(), true; }
  bool on_comment_part(Text, error_code&) { return true; }
  bool on_comment(Text, error_code&) { return true; }

  // The whole text is there at once, so `digits` is the whole number.
  bool on_double(double approximate, Text digits, error_code& error) {
    double exact = approximate;
    auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), exact);
    if (problem == std::errc::result_out_of_range && std::abs(approximate) > 1) {
      error = boost::json::error::exponent_overflow;
      return false;
    }
    return stack.push_double(problem == std::errc() ? exact : approximate), true;
  }
};

}  // namespace

Value parse(std::string_view text, const ParseLimits& limits) {
  boost::json::parse_options options;
  options.max_depth = limits.maxDepth;
  boost::json::basic_parser<TreeHandler> parser(options);
  parser.handler().stack.reset();
  error_code error;
  size_t consumed = parser.write_some(false, text.data(), text.size(), error);
  // After a whole value only white space may follow; write_some stops at anything else.
  if (!error && consumed < text.size()) error = boost::json::error::extra_data;
  if (error) throw ParseError(error.message() + " at byte " + std::to_string(consumed));
  return parser.handler().stack.release();
}

}  // namespace wherry::json
