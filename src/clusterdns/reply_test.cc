// What resolvers say, as bytes, and what is made of it.
#include "clusterdns/reply.h"

#include <functional>

#include <gtest/gtest.h>

#include "clusterdns/reply_test_support.h"

namespace wherry::clusterdns {
namespace {

using test::answerTo;
using test::Built;

std::string lifetimeOf(const std::string& packet) {
  ReplyPtr reply = Reply::read(packet);
  if (!reply) return "dropped";
  const char* const kKinds[] = {"success", "denial", "error"};
  std::string kind = kKinds[static_cast<size_t>(reply->kind())];
  return reply->lifetime() ? kind + " " + std::to_string(reply->lifetime()->count()) : kind + ", not kept";
}

TEST(ReplyTest, LivesAsLongAsItsRecordsAndTheRfcsSay) {
  struct Case {
    const char* what;
    Built built;
    const char* expected;
  } const kCases[] = {
      {"the least TTL of an answer counts", {.answer = {"a. 60 A 192.0.2.1", "a. 20 A 192.0.2.2"}}, "success 20"},
      {"an alias's as well", {.answer = {"a. 7 CNAME b.", "b. 60 A 192.0.2.1"}}, "success 7"},
      {"what may not be kept is not", {.answer = {"a. 0 A 192.0.2.1"}}, "success, not kept"},
      {"a TTL with the highest bit is none", {.answer = {"a. 2147483648 A 192.0.2.1"}}, "success, not kept"},
      {"no such name: the SOA's minimum",
       {.rcode = dns::Rcode::kNxDomain, .soaTtl = 900, .soaMinimum = 60},
       "denial 60"},
      {"no such name: the SOA's own TTL, if less",
       {.rcode = dns::Rcode::kNxDomain, .soaTtl = 30, .soaMinimum = 60},
       "denial 30"},
      {"no such records", {.soaTtl = 900, .soaMinimum = 60}, "denial 60"},
      {"an alias of something without such records",
       {.answer = {"a. 7 CNAME b."}, .soaTtl = 900, .soaMinimum = 60},
       "denial 7"},
      {"a denial without an SOA is nobody's to keep", {.rcode = dns::Rcode::kNxDomain}, "denial, not kept"},
      {"an alias of nothing", {.answer = {"a. 7 CNAME b."}}, "denial, not kept"},
      {"half an answer is not kept", {.answer = {"a. 60 A 192.0.2.1"}, .truncated = true}, "success, not kept"},
      {"a failure", {.rcode = dns::Rcode::kServFail}, "error, not kept"},
      {"a refusal", {.rcode = dns::Rcode::kRefused}, "error, not kept"},
  };
  for (const Case& c : kCases) EXPECT_EQ(lifetimeOf(answerTo("a.", dns::Type::kA, c.built)), c.expected) << c.what;
}

TEST(ReplyTest, WhatIsNoSoundAnswerIsDropped) {
  std::string good = answerTo("a.", dns::Type::kA, {.answer = {"a. 60 A 192.0.2.1"}});
  EXPECT_EQ(lifetimeOf(good), "success 60");
  for (size_t size = 0; size < good.size(); ++size) EXPECT_EQ(lifetimeOf(good.substr(0, size)), "dropped") << size;
  std::string query = good;
  query[2] = 0;
  EXPECT_EQ(lifetimeOf(query), "dropped") << "a query";
  std::string shortAddress = good;
  shortAddress[good.size() - 5 - 11] = 3;  // in front of the OPT record
  EXPECT_EQ(lifetimeOf(shortAddress), "dropped");
}

struct Asked {
  const char* flags = "";  // of the query: "do", "ad", "cd"
  bool edns = true;
  size_t limit = 1232;
};

dns::Message given(const ReplyPtr& reply, Reply::Age age, Asked asked = {}) {
  std::string_view flags = asked.flags;
  std::string packet = dns::writeQuery({.id = 9,
                                        .name = dns::Name::of("A."),
                                        .type = dns::Type::kA,
                                        .udpSize = asked.edns ? std::optional<uint16_t>(4096) : std::nullopt,
                                        .dnssecOk = flags == "do",
                                        .authenticData = flags == "ad",
                                        .checkingDisabled = flags == "cd"});
  auto query = dns::Query::read(packet);
  dns::ResponseWriter writer;
  writer.reset(*query, asked.limit);
  reply->writeTo(writer, *query, age);
  return dns::readMessage(writer.finish()).value();
}

TEST(ReplyTest, TimesCountDownAndNeverPassTheEntrysEnd) {
  ReplyPtr reply = Reply::read(answerTo("a.", dns::Type::kA, {.answer = {"a. 60 A 192.0.2.1", "a. 20 A 192.0.2.2"}}));
  EXPECT_EQ(dns::renderMessage(given(reply, {5, 15, false})),
            "NOERROR\n;; ANSWER\nA. 15 IN A 192.0.2.1\nA. 15 IN A 192.0.2.2\n");
  EXPECT_EQ(dns::renderMessage(given(reply, {0, 3600, false})),
            "NOERROR\n;; ANSWER\nA. 60 IN A 192.0.2.1\nA. 20 IN A 192.0.2.2\n");
}

TEST(ReplyTest, TheQuestionComesBackAsItWasAsked) {
  ReplyPtr reply = Reply::read(answerTo("a.", dns::Type::kA, {.answer = {"a. 60 A 192.0.2.1"}}));
  dns::Message message = given(reply, {0, 60, false});
  EXPECT_EQ(message.id, 9);
  EXPECT_EQ(message.qname.text(), "A.");
  EXPECT_TRUE(message.recursionAvailable);
  EXPECT_FALSE(message.authoritative);
}

TEST(ReplyTest, WhatIsStaleSaysSo) {
  ReplyPtr reply = Reply::read(answerTo("a.", dns::Type::kA, {.answer = {"a. 60 A 192.0.2.1"}}));
  dns::Message message = given(reply, {0, 30, true});
  EXPECT_EQ(dns::renderMessage(message), "NOERROR\n;; ANSWER\nA. 30 IN A 192.0.2.1\n");
  EXPECT_EQ(message.options, std::string("\0\x0f\0\2\0\3", 6)) << "RFC 8914: Stale Answer";
  EXPECT_EQ(given(reply, {0, 30, true}, {.edns = false}).options, "");
}

TEST(ReplyTest, DnssecPassesForThoseWhoKnowIt) {
  ReplyPtr reply = Reply::read(answerTo("a.", dns::Type::kA, {.answer = {"a. 60 A 192.0.2.1"}, .authenticData = true}));
  EXPECT_FALSE(given(reply, {0, 60, false}).authenticData);
  EXPECT_TRUE(given(reply, {0, 60, false}, {.flags = "do"}).authenticData);
  EXPECT_TRUE(given(reply, {0, 60, false}, {.flags = "do"}).dnssecOk);
  EXPECT_TRUE(given(reply, {0, 60, false}, {.flags = "ad"}).authenticData);
  EXPECT_TRUE(given(reply, {0, 60, false}, {.flags = "cd"}).checkingDisabled);
  EXPECT_FALSE(given(reply, {0, 30, true}, {.flags = "ad"}).authenticData) << "what is stale was not checked";
}

TEST(ReplyTest, WhatDoesNotFitIsAskedForOverTcp) {
  Built built;
  for (int i = 0; i < 60; ++i) built.answer.push_back("a. 60 A 192.0.2." + std::to_string(i));
  ReplyPtr reply = Reply::read(answerTo("a.", dns::Type::kA, built));
  dns::Message message = given(reply, {0, 60, false}, {.limit = 512});
  EXPECT_TRUE(message.truncated);
  EXPECT_TRUE(message.answer.empty());
  EXPECT_EQ(given(reply, {0, 60, false}, {.limit = 4096}).answer.size(), 60u);
}

TEST(ReplyTest, BehindAnAliasItIsTheTargets) {
  std::string packet = dns::writeQuery(9, dns::Name::of("out.svc."), dns::Type::kMx, 1232);
  auto query = dns::Query::read(packet);
  dns::ResponseWriter writer;
  writer.reset(*query, 1232);
  writer.addRecord(dns::Section::kAnswer, dns::Owner::question(), dns::Type::kCname, 5, dns::Name::of("a.").wire());
  Reply::read(answerTo("a.", dns::Type::kMx, {.answer = {"a. 60 MX mail.a."}}))->appendTo(writer, {50, 10, false});
  EXPECT_EQ(dns::renderMessage(*dns::readMessage(writer.finish())),
            "NOERROR\n;; ANSWER\nout.svc. 5 IN CNAME a.\na. 10 IN MX 10 mail.a.\n");
}

TEST(ReplyTest, ItIsTheLastNameThatDoesNotExist) {
  std::string packet = dns::writeQuery(9, dns::Name::of("out.svc."), dns::Type::kA, 1232);
  auto query = dns::Query::read(packet);
  dns::ResponseWriter writer;
  writer.reset(*query, 1232);
  writer.addRecord(dns::Section::kAnswer, dns::Owner::question(), dns::Type::kCname, 5, dns::Name::of("a.").wire());
  std::string denied = answerTo("a.", dns::Type::kA, {.rcode = dns::Rcode::kNxDomain, .soaTtl = 60, .soaMinimum = 60});
  Reply::read(denied)->appendTo(writer, {0, 60, false});
  EXPECT_TRUE(dns::renderMessage(*dns::readMessage(writer.finish()))
                  .starts_with("NXDOMAIN\n;; ANSWER\nout.svc. 5 IN CNAME a.\n;; AUTHORITY\n. 60 IN SOA "));
}

TEST(ReplyTest, AFailureCanBeMade) {
  ReplyPtr reply = Reply::failure(dns::Name::of("a."), dns::Type::kA);
  ASSERT_TRUE(reply);
  EXPECT_EQ(dns::renderMessage(given(reply, {0, 60, false})), "SERVFAIL\n");
}

}  // namespace
}  // namespace wherry::clusterdns
