#include "net/spdy_fields.h"

#include <gtest/gtest.h>
#include <zlib.h>

namespace wherry::net {
namespace {

std::string number(uint32_t value) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text.push_back(static_cast<char>(value >> shift & 0xff));
  return text;
}

std::string describe(const std::optional<Headers>& fields) {
  if (!fields) return "malformed";
  std::string text;
  for (const auto& [name, value] : fields->fields()) text += name + "=" + value + ";";
  return text;
}

// zlib names a dictionary by its checksum: this one is in every first block of a SPDY/3 peer.
TEST(SpdyFields, TheDictionaryIsTheNorms) {
  const std::string& text = spdyDictionary();
  EXPECT_EQ(text.size(), 1423U);
  EXPECT_EQ(
      ::adler32(::adler32(0, nullptr, 0), reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size())),
      0xe3c6a7c2U);
}

TEST(SpdyFields, AreReadAndWritten) {
  Headers fields;
  fields.add("streamType", "stdin");
  fields.add("port", "80");
  EXPECT_EQ(renderSpdyFields(fields),
            number(2) + number(10) + "streamtype" + number(5) + "stdin" + number(4) + "port" + number(2) + "80");
  SpdyFieldWriter writer;
  SpdyFieldReader reader;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(describe(reader.read(writer.write(fields))), "streamtype=stdin;port=80;");
  EXPECT_EQ(describe(reader.read(writer.write({}))), "");
}

TEST(SpdyFields, MalformedBlocksAreRefused) {
  struct Case {
    const char* sentence;
    std::string text;
    const char* expected;
  };
  const Case cases[] = {
      {"none", number(0), ""},
      {"nothing at all", "", "malformed"},
      {"one that is not there", number(1), "malformed"},
      {"a name longer than the block", number(1) + number(100) + "a", "malformed"},
      {"a length of 4 GiB", number(1) + number(0xffffffff) + "a", "malformed"},
      {"no value", number(1) + number(1) + "a", "malformed"},
      {"a name without letters", number(1) + number(0) + number(0), "malformed"},
      {"one name twice", number(2) + number(1) + "a" + number(0) + number(1) + "A" + number(0), "malformed"},
      {"more fields than the limit", number(1'000'000), "malformed"},
      {"bytes behind the last", number(0) + "a", "malformed"},
  };
  for (const auto& c : cases) EXPECT_EQ(describe(parseSpdyFields(c.text)), c.expected) << c.sentence;
}

TEST(SpdyFields, ABlockThatGrowsBeyondTheLimitIsRefused) {
  Headers fields;
  fields.add("a", std::string(1 << 20, 'x'));
  std::string bomb = SpdyFieldWriter().write(fields);
  EXPECT_LT(bomb.size(), 8192U);
  EXPECT_EQ(describe(SpdyFieldReader().read(bomb)), "malformed");
}

TEST(SpdyFields, WhatIsNotZlibIsRefused) {
  EXPECT_EQ(describe(SpdyFieldReader().read("hello, world")), "malformed");
  EXPECT_EQ(describe(SpdyFieldReader().read("")), "malformed");
}

}  // namespace
}  // namespace wherry::net
