#include "clusterdns/upstream_answer.h"

#include <set>

#include <gtest/gtest.h>

#include "clusterdns/reply_test_support.h"

namespace wherry::clusterdns {
namespace {

using test::answerTo;

std::string with(std::string packet, size_t at, char value) {
  packet[at] = value;
  return packet;
}

TEST(UpstreamAnswerTest, OnlyTheAnswerToTheQuestionIsTaken) {
  std::string query = dns::writeQuery(0x1234, dns::Name::of("wWw.Example."), dns::Type::kA, 1232);
  std::string good = answerTo(query, {.answer = {"www.example. 60 A 192.0.2.1"}});
  std::string noQuestion = with(good.substr(0, 12), 5, 0);
  struct Case {
    const char* what;
    std::string packet;
    Match expected;
  } const kCases[] = {
      {"the answer", good, Match::kExact},
      {"another id", with(good, 0, 9), Match::kNone},
      {"a query", with(good, 2, 1), Match::kNone},
      {"another opcode", with(good, 2, '\xa8'), Match::kNone},
      {"another name", with(good, 14, 'x'), Match::kNone},
      {"the name in another case", with(good, 14, 'w'), Match::kOtherCase},
      {"another type, though it is a letter's other case", with(good, 12 + 13 + 1, '\x21'), Match::kNone},
      {"another class", with(good, 12 + 13 + 3, 3), Match::kNone},
      {"two questions", with(good, 5, 2), Match::kNone},
      {"no question", noQuestion, Match::kNone},
      {"no question, for EDNS is not known", with(noQuestion, 3, '\x81'), Match::kNoQuestion},
      {"less than a header", good.substr(0, 11), Match::kNone},
      {"half a question", good.substr(0, 20), Match::kNone},
  };
  for (const Case& c : kCases) EXPECT_EQ(matchAnswer(c.packet, query), c.expected) << c.what;
}

TEST(UpstreamAnswerTest, TheCaseOfLettersIsRandomAndTheNameTheSame) {
  dns::Name name = dns::Name::of("www.a-1.example.");
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    dns::Name mixed = randomCase(name);
    EXPECT_TRUE(mixed == name);
    seen.insert(mixed.text());
  }
  EXPECT_GT(seen.size(), 50u) << "of 2^11";
}

}  // namespace
}  // namespace wherry::clusterdns
