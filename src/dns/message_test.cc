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

}  // namespace
}  // namespace wherry::dns
