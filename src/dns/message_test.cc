#include "dns/message.h"

#include <gtest/gtest.h>

namespace wherry::dns {
namespace {

std::string query(std::string_view name, Type type, std::optional<uint16_t> udpSize = std::nullopt) {
  return writeQuery(0x1234, Name::of(name), type, udpSize);
}

TEST(QueryTest, ReadsNameTypeAndEdns) {
  std::string packet = query("Web.Default.SVC.", Type::kSrv, 4096);
  auto read = Query::read(packet);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->error(), Rcode::kNoError);
  EXPECT_EQ(read->id(), 0x1234);
  EXPECT_EQ(read->qtype(), Type::kSrv);
  EXPECT_EQ(read->labelCount(), 3u);
  EXPECT_EQ(read->label(0), "web");
  EXPECT_EQ(read->label(2), "svc");
  EXPECT_EQ(Name::fromWire(read->lowerFrom(1)).text(), "default.svc.");
  EXPECT_EQ(Name::fromWire(read->qname()).text(), "Web.Default.SVC.");
  EXPECT_TRUE(read->edns());
  EXPECT_EQ(read->udpSize(), 4096);
}

TEST(QueryTest, WithoutEdns512BytesMustDo) {
  std::string packet = query("a.", Type::kA);
  EXPECT_EQ(Query::read(packet)->udpSize(), 512);
  packet = query("a.", Type::kA, 100);
  EXPECT_EQ(Query::read(packet)->udpSize(), 512);
}

std::string with(std::string packet, size_t at, char value) {
  packet[at] = value;
  return packet;
}

TEST(QueryTest, RefusesWhatIsNoQuery) {
  std::string good = query("web.default.", Type::kA, 1232);
  struct Case {
    const char* what;
    std::string packet;
    std::optional<Rcode> error;  // nothing: dropped
  } const kCases[] = {
      {"a packet shorter than a header is dropped", good.substr(0, 11), std::nullopt},
      {"a response is dropped", with(good, 2, '\x80'), std::nullopt},
      {"another opcode is not implemented", with(good, 2, '\x28'), Rcode::kNotImp},
      {"no question", with(good, 5, '\0'), Rcode::kFormErr},
      {"two questions", with(good, 5, '\2'), Rcode::kFormErr},
      {"a name that runs out of the packet", good.substr(0, 20), Rcode::kFormErr},
      {"a question without its class", good.substr(0, 27), Rcode::kFormErr},
      {"a compressed question", with(good, 12, '\xc0'), Rcode::kFormErr},
      {"half an OPT record", good.substr(0, good.size() - 3), Rcode::kFormErr},
      {"a later version of EDNS", with(good, good.size() - 5, '\1'), Rcode::kBadVers},
  };
  for (const Case& c : kCases) {
    auto read = Query::read(c.packet);
    EXPECT_EQ(read ? std::optional(read->error()) : std::nullopt, c.error) << c.what;
  }
}

// A query with these EDNS options, in wire form.
std::string withOptions(std::string_view options) {
  std::string packet = query("web.default.", Type::kA, 1232);
  packet[packet.size() - 2] = static_cast<char>(options.size() >> 8);
  packet[packet.size() - 1] = static_cast<char>(options.size());
  return packet += options;
}

TEST(QueryTest, ReadsEdnsOptions) {
  std::string options(
      "\0\x0a\0\x08"
      "clientid"
      "\0\x0b\0\0"
      "\xff\xff\0\1x",
      21);
  std::string packet = withOptions(options);
  packet[packet.size() - options.size() - 4] = '\x80';  // DO
  auto read = Query::read(packet);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->error(), Rcode::kNoError);
  EXPECT_EQ(read->cookie(), "clientid");
  EXPECT_TRUE(read->asksForKeepalive());
  EXPECT_TRUE(read->dnssecOk());
}

TEST(QueryTest, RefusesBrokenEdnsOptions) {
  const std::pair<const char*, std::string> kCases[] = {
      {"half an option", std::string("\0\x0a\0", 3)},
      {"an option that is longer than the record", std::string("\0\x0a\0\x08short", 9)},
      {"a cookie that is too short", std::string("\0\x0a\0\x07"
                                                 "clienti",
                                                 11)},
      {"a server's half that is too short", std::string("\0\x0a\0\x0f"
                                                        "clientidserver.",
                                                        19)},
      {"a server's half that is too long", std::string("\0\x0a\0\x29", 4) + std::string(41, 'x')},
  };
  for (const auto& [what, options] : kCases) {
    EXPECT_EQ(Query::read(withOptions(options))->error(), Rcode::kFormErr) << what;
  }
}

// RFC 7873 section 5.4: no question, only a cookie.
TEST(QueryTest, ACookieAloneMayBeAskedFor) {
  std::string cookie(
      "\0\x0a\0\x08"
      "clientid",
      12);
  std::string packet = withOptions(cookie);
  packet.erase(12, 17);
  packet[5] = 0;
  auto read = Query::read(packet);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->error(), Rcode::kNoError);
  EXPECT_FALSE(read->hasQuestion());
  EXPECT_EQ(read->cookie(), "clientid");
}

TEST(ResponseWriterTest, EchoesDoAndCarriesTheServersCookieAndKeepalive) {
  std::string options(
      "\0\x0a\0\x08"
      "clientid"
      "\0\x0b\0\0",
      16);
  std::string packet = withOptions(options);
  packet[packet.size() - options.size() - 4] = '\x80';
  auto read = Query::read(packet);
  ResponseWriter writer;
  size_t limit = 12 + 17 + 11 + 28 + 6 + 16;
  writer.reset(*read, limit);
  writer.setServerCookie("sixteen bytes...");
  writer.setKeepalive(100);
  EXPECT_TRUE(writer.addAddress(Section::kAnswer, Owner::question(), 5, std::string("\x0a\1\0\1", 4)));
  EXPECT_FALSE(writer.addAddress(Section::kAnswer, Owner::question(), 5, std::string("\x0a\1\0\1", 4)));
  std::string_view response = writer.finish();
  EXPECT_EQ(response.size(), limit);
  auto message = readMessage(response);
  ASSERT_TRUE(message);
  EXPECT_TRUE(message->dnssecOk);
  EXPECT_EQ(message->options, std::string("\0\x0a\0\x18"
                                          "clientid"
                                          "sixteen bytes..."
                                          "\0\x0b\0\2\0\x64",
                                          34));
}

TEST(ResponseWriterTest, CompressesOwnersAndKeepsTheQuestionsCase) {
  std::string packet = query("Web.Default.", Type::kSrv);
  auto read = Query::read(packet);
  ResponseWriter writer;
  writer.reset(*read, 512);
  writer.setAuthoritative();
  Name target = Name::of("a.web.default.");
  EXPECT_TRUE(writer.addSrv(Section::kAnswer, read->lowerFrom(0), 5, 0, 100, 80, target.wire()));
  EXPECT_TRUE(writer.addAddress(Section::kAdditional, target.wire(), 1, std::string("\x0a\1\0\1", 4)));
  std::string_view response = writer.finish();
  auto message = readMessage(response);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->id, 0x1234);
  EXPECT_EQ(message->qname.text(), "Web.Default.");
  EXPECT_EQ(renderMessage(*message),
            "NOERROR aa\n"
            ";; ANSWER\n"
            "Web.Default. 5 IN SRV 0 100 80 a.web.default.\n"
            ";; ADDITIONAL\n"
            "a.Web.Default. 1 IN A 10.1.0.1\n");
  // header, question, pointer + SRV, "a" + pointer + A
  EXPECT_EQ(response.size(), 12u + 17 + (2 + 10 + 6 + 15) + (4 + 10 + 4));
}

TEST(ResponseWriterTest, SaysThatAnAnswerWasCutButNotThatAnAdditionalRecordWas) {
  std::string packet = query("web.default.", Type::kA);
  auto read = Query::read(packet);
  ResponseWriter writer;
  writer.reset(*read, 12 + 17 + 2 * 16);
  std::string address("\x0a\1\0\1", 4);
  EXPECT_TRUE(writer.addAddress(Section::kAnswer, read->lowerFrom(0), 5, address));
  EXPECT_TRUE(writer.addAddress(Section::kAnswer, read->lowerFrom(0), 5, address));
  EXPECT_FALSE(writer.addAddress(Section::kAdditional, read->lowerFrom(0), 5, address));
  EXPECT_FALSE(writer.truncated());
  EXPECT_FALSE(writer.addAddress(Section::kAnswer, read->lowerFrom(0), 5, address));
  EXPECT_TRUE(writer.truncated());
  auto message = readMessage(writer.finish());
  ASSERT_TRUE(message);
  EXPECT_TRUE(message->truncated);
  EXPECT_EQ(message->answer.size(), 2u);
}

TEST(ResponseWriterTest, AnswersABrokenQueryWithItsHeaderOnly) {
  std::string packet = query("web.default.", Type::kA).substr(0, 20);
  ResponseWriter writer;
  writer.reset(*Query::read(packet), 512);
  writer.setRcode(Rcode::kFormErr);
  std::string_view response = writer.finish();
  EXPECT_EQ(response.size(), kHeaderSize);
  EXPECT_EQ(readMessage(response)->rcode, Rcode::kFormErr);
}

TEST(MessageTest, EveryTypeReadsBackWhatItWrote) {
  const Rdata kData[] = {
      A{std::string("\x0a\0\0\1", 4)},
      Aaaa{std::string(15, '\0') + "\1"},
      Ns{Name::of("ns.dns.")},
      Cname{Name::of("www.example.com.")},
      Ptr{Name::of("web.default.")},
      Soa{Name::of("ns."), Name::of("hostmaster."), 1, 2, 3, 4, 5},
      Hinfo{"RFC8482", ""},
      Txt{{"1.1.0", "more"}},
      Srv{1, 2, 3, Name::of("web.")},
      Mx{10, Name::of("mail.example.")},
      Unknown{65280, "bytes"},
  };
  for (const Rdata& data : kData) {
    std::string wire;
    writeRdata(data, wire);
    auto back = readRdata(typeOf(data), wire, 0, wire.size());
    ASSERT_TRUE(back) << typeName(typeOf(data));
    EXPECT_EQ(renderRecord({Name(), 1, *back}), renderRecord({Name(), 1, data}));
    EXPECT_FALSE(readRdata(typeOf(data), wire, 0, wire.size() + 1));
  }
}

TEST(WriteQueryTest, PaddingHidesTheLengthOfTheName) {
  for (const char* name : {"a.", "www.example.", "a-rather-long-name-that-one-might-guess-by-its-length.example."}) {
    std::string packet = writeQuery(
        {.id = 1, .name = Name::of(name), .type = Type::kA, .udpSize = 1232, .dnssecOk = true, .padTo = 128});
    EXPECT_EQ(packet.size(), 128u);
    auto read = Query::read(packet);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->error(), Rcode::kNoError);
    EXPECT_TRUE(read->dnssecOk());
  }
}

TEST(ResponseWriterTest, RecordsThatStandBehindTheSameQuestionAreCopiedWhole) {
  std::string asked = query("www.example.", Type::kA, 1232);
  auto read = Query::read(asked);
  ResponseWriter first;
  first.reset(*read, 1232);
  first.addRecord(Section::kAnswer, {Name::of("www.example."), 60, Cname{Name::of("web.example.")}});
  first.addRecord(Section::kAnswer, {Name::of("web.example."), 30, A{"\1\2\3\4"}});
  std::string packet(first.finish());
  auto places = locateRecords(packet);
  ASSERT_TRUE(places);
  ASSERT_EQ(places->records.size(), 3u) << "OPT among them";
  EXPECT_EQ(places->end, packet.size());
  EXPECT_EQ(places->records[0].ttl, 60u);
  size_t opt = places->records[2].at;

  std::string again = query("WWW.example.", Type::kA, 1232);
  again[3] = 0x10;  // CD
  auto second = Query::read(again);
  ResponseWriter writer;
  writer.reset(*second, 1232);
  ASSERT_TRUE(
      writer.addRecords(std::string_view(packet).substr(places->questionEnd, opt - places->questionEnd), {2, 0, 0}));
  writer.setTtl(places->records[1].ttlAt, 7);
  writer.setAuthenticData();
  auto message = readMessage(writer.finish());
  ASSERT_TRUE(message);
  EXPECT_EQ(renderMessage(*message),
            "NOERROR\n;; ANSWER\nWWW.example. 60 IN CNAME web.example.\nweb.example. 7 IN A 1.2.3.4\n");
  EXPECT_TRUE(message->authenticData);
  EXPECT_TRUE(message->checkingDisabled);

  writer.reset(*second, 60);
  EXPECT_FALSE(
      writer.addRecords(std::string_view(packet).substr(places->questionEnd, opt - places->questionEnd), {2, 0, 0}));
  EXPECT_EQ(renderMessage(*readMessage(writer.finish())), "NOERROR tc\n");
}

TEST(LocateRecordsTest, APacketThatIsCutIsNone) {
  std::string asked = query("www.example.", Type::kA, 1232);
  ResponseWriter writer;
  writer.reset(*Query::read(asked), 1232);
  writer.addRecord(Section::kAnswer, {Name::of("www.example."), 30, A{"\1\2\3\4"}});
  std::string packet(writer.finish());
  ASSERT_TRUE(locateRecords(packet));
  for (size_t size = 0; size < packet.size(); ++size) EXPECT_FALSE(locateRecords(packet.substr(0, size))) << size;
}

}  // namespace
}  // namespace wherry::dns
