// Questions to resolvers over loopback: who is asked, how, and which answers are believed.
#include "clusterdns/forwarder.h"

#include <future>

#include <gtest/gtest.h>

#include "clusterdns/fake_resolver_test_support.h"
#include "clusterdns/reply_test_support.h"
#include "net/test_certificate.h"

namespace wherry::clusterdns {
namespace {

using test::answerTo;
using test::FakeResolver;

using Answered = std::optional<std::string>;
Answered good(const FakeResolver::Question& question) {
  return answerTo(question.packet, {.answer = {"www.example. 60 A 203.0.113.9"}});
}
Answered silent(const FakeResolver::Question&) { return std::nullopt; }
Answered failing(const FakeResolver::Question& question) {
  return answerTo(question.packet, {.rcode = dns::Rcode::kServFail});
}

Upstream at(uint16_t port, Upstream::Protocol protocol = Upstream::Protocol::kDns) {
  return {.protocol = protocol, .address = "127.0.0.2", .port = port};
}

// What a group's resolvers say in the end.
class Asker {
 public:
  explicit Asker(UpstreamList upstreams, std::shared_ptr<const net::TlsContext> tls = nullptr, ForwardTimes times = {})
      : group_(std::make_shared<UpstreamGroup>(std::move(upstreams), std::move(tls))),
        forwarder_(loop_, times),
        thread_([this] { loop_.run(); }) {}
  ~Asker() {
    loop_.stop();
    thread_.join();
  }

  std::string ask(dns::Type type = dns::Type::kA) { return askMany(1, type).at(0); }
  std::vector<std::string> askMany(size_t count, dns::Type type = dns::Type::kA) {
    std::vector<std::future<std::string>> futures;
    for (size_t i = 0; i < count; ++i) {
      auto answer = std::make_shared<std::promise<std::string>>();
      futures.push_back(answer->get_future());
      loop_.post([this, type, answer] {
        forwarder_.ask({dns::Name::of("www.example."), type, false, false}, group_,
                       [type, answer](const ReplyPtr& reply) { answer->set_value(describe(reply, type)); });
      });
    }
    std::vector<std::string> answers;
    for (auto& future : futures) answers.push_back(future.get());
    return answers;
  }

 private:
  static std::string describe(const ReplyPtr& reply, dns::Type type) {
    if (!reply) return "nobody";
    std::string packet = dns::writeQuery(1, dns::Name::of("www.example."), type, std::nullopt);
    auto query = dns::Query::read(packet);
    dns::ResponseWriter writer;
    writer.reset(*query, 65535);
    reply->writeTo(writer, *query, {0, 3600, false});
    return dns::renderMessage(*dns::readMessage(writer.finish()));
  }

  net::EventLoop loop_;
  std::shared_ptr<UpstreamGroup> group_;
  Forwarder forwarder_;
  std::jthread thread_;
};

constexpr const char* kGood = "NOERROR\n;; ANSWER\nwww.example. 60 IN A 203.0.113.9\n";
// Long enough for a loaded machine where an answer comes, short where none does.
constexpr ForwardTimes kHasty{.patience = std::chrono::milliseconds(100),
                              .suspectPatience = std::chrono::milliseconds(50),
                              .connectPatience = std::chrono::milliseconds(100),
                              .total = std::chrono::seconds(20)};
constexpr ForwardTimes kPatient{.patience = std::chrono::seconds(20),
                                .suspectPatience = std::chrono::seconds(20),
                                .connectPatience = std::chrono::seconds(20),
                                .total = std::chrono::seconds(60)};

TEST(ForwarderTest, EveryQuestionHasAnIdAPortAndACaseOfItsOwn) {
  base::Guarded<std::vector<FakeResolver::Question>> questions;
  FakeResolver resolver([&](const FakeResolver::Question& question) {
    questions.with([&](auto& all) { all.push_back(question); });
    return good(question);
  });
  Asker asker({at(resolver.port())}, nullptr, kPatient);
  for (int i = 0; i < 40; ++i) ASSERT_EQ(asker.ask(), kGood);
  std::set<uint16_t> ids, ports;
  std::set<std::string> names;
  for (const auto& question : questions.copy()) {
    auto query = dns::Query::read(question.packet);
    ids.insert(query->id());
    ports.insert(question.clientPort);
    names.insert(std::string(query->qname()));
    EXPECT_TRUE(query->edns());
    EXPECT_EQ(query->udpSize(), dns::kMaxUdpSize);
    EXPECT_TRUE(query->recursionDesired());
  }
  EXPECT_GT(ids.size(), 35u);
  EXPECT_GT(ports.size(), 30u);
  EXPECT_GT(names.size(), 30u);
  EXPECT_GT(*ports.rbegin() - *ports.begin(), 2000) << "not one after the other";
}

TEST(ForwarderTest, ForgedAnswersAreAsIfTheyHadNotCome) {
  struct Case {
    const char* what;
    std::function<std::string(std::string)> forge;  // of the right answer
  } const kCases[] = {
      {"another id", [](std::string packet) { return packet[0] = static_cast<char>(packet[0] + 1), packet; }},
      {"another name", [](std::string packet) { return packet[13] = 'x', packet; }},
      {"another type", [](std::string packet) { return packet[12 + 13 + 1] = 28, packet; }},
      {"half of it", [](std::string packet) { return packet.substr(0, packet.size() - 3); }},
      {"nothing", [](std::string) { return std::string(); }},
  };
  for (const Case& c : kCases) {
    std::atomic<int> count{0};
    FakeResolver resolver([&](const FakeResolver::Question& question) {
      std::string answer = *good(question);
      return Answered(count++ == 0 ? c.forge(answer) : answer);
    });
    Asker asker({at(resolver.port())}, nullptr, kHasty);
    EXPECT_EQ(asker.ask(), kGood) << c.what;
    EXPECT_GT(count, 1) << c.what;
  }
}

// In the case that was not asked it may be a forgery: over TCP nobody can guess.
TEST(ForwarderTest, AnAnswerInAnotherCaseIsAskedForAgainOverTcp) {
  std::atomic<int> overTcp{0};
  FakeResolver resolver([&](const FakeResolver::Question& question) {
    std::string packet = question.packet;
    overTcp += question.transport == Transport::kTcp;
    if (question.transport == Transport::kUdp) {
      auto query = dns::Query::read(packet);
      std::string lower(query->lowerFrom(0));
      packet.replace(dns::kHeaderSize, lower.size(), lower);
    }
    return good({packet, question.transport, 0});
  });
  Asker asker({at(resolver.port())}, nullptr, kPatient);
  for (int i = 0; i < 20; ++i) ASSERT_EQ(asker.ask(), kGood);
  EXPECT_EQ(overTcp, 1) << "and then it is known not to keep the case";
}

TEST(ForwarderTest, WhatIsCutOffIsAskedAgainOverTcp) {
  FakeResolver resolver([](const FakeResolver::Question& question) {
    if (question.transport == Transport::kUdp) return Answered(answerTo(question.packet, {.truncated = true}));
    return good(question);
  });
  Asker asker({at(resolver.port())}, nullptr, kPatient);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(asker.ask(), kGood);
  EXPECT_EQ(resolver.connections(), 1) << "over one connection";
}

TEST(ForwarderTest, TheNextOneIsAskedWhenOneIsSilentFailsOrIsNotThere) {
  struct Case {
    const char* what;
    FakeResolver::Behaviour first;
  } const kCases[] = {
      {"silent", silent},
      {"failing", failing},
      {"refusing", [](const auto& q) { return Answered(answerTo(q.packet, {.rcode = dns::Rcode::kRefused})); }},
  };
  for (const Case& c : kCases) {
    FakeResolver first(c.first), second(good);
    Asker asker({at(first.port()), at(second.port())}, nullptr, kHasty);
    EXPECT_EQ(asker.ask(), kGood) << c.what;
    EXPECT_GE(first.asked(), 1) << c.what;
  }
  uint16_t gone = 0;
  { gone = FakeResolver(silent).port(); }
  FakeResolver second(good);
  Asker asker({at(gone), at(second.port())}, nullptr, kPatient);
  EXPECT_EQ(asker.ask(), kGood) << "at once, by the ICMP error";
}

TEST(ForwarderTest, WhoWasSilentIsAskedLast) {
  FakeResolver first(silent), second(good);
  Asker asker({at(first.port()), at(second.port())}, nullptr, kHasty);
  ASSERT_EQ(asker.ask(), kGood);
  int before = first.asked();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(asker.ask(), kGood);
  // A second may pass on a loaded machine, and then one query tries it.
  EXPECT_LE(first.asked() - before, 3);
}

TEST(ForwarderTest, WhenAllFailThatIsSaid) {
  FakeResolver first(failing), second(failing);
  Asker asker({at(first.port()), at(second.port())}, nullptr, kPatient);
  EXPECT_EQ(asker.ask(), "SERVFAIL\n");
}

TEST(ForwarderTest, WhenNobodyAnswersItEndsInTime) {
  FakeResolver resolver(silent);
  ForwardTimes times = kHasty;
  times.total = std::chrono::milliseconds(250);
  Asker asker({at(resolver.port())}, nullptr, times);
  EXPECT_EQ(asker.ask(), "nobody");
  EXPECT_GE(resolver.asked(), 1);
}

TEST(ForwarderTest, ALateAnswerIsTakenAllTheSame) {
  FakeResolver first([](const FakeResolver::Question& question) {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    return good(question);
  });
  FakeResolver second(silent);
  Asker asker({at(first.port()), at(second.port())}, nullptr, kHasty);
  EXPECT_EQ(asker.ask(), kGood);
}

TEST(ForwarderTest, WhoRefusesEdnsIsAskedWithout) {
  for (bool echo : {true, false}) {
    FakeResolver resolver([echo](const FakeResolver::Question& question) {
      if (!dns::Query::read(question.packet)->edns()) return good(question);
      std::string refusal = answerTo(question.packet, {.rcode = dns::Rcode::kFormErr});
      refusal[11] = 0;  // no OPT record
      refusal.resize(refusal.size() - 11);
      if (!echo) refusal[5] = 0;
      if (!echo) refusal.resize(dns::kHeaderSize);
      return Answered(refusal);
    });
    Asker asker({at(resolver.port())}, nullptr, kPatient);
    EXPECT_EQ(asker.ask(), kGood);
    EXPECT_EQ(asker.ask(), kGood);
    EXPECT_EQ(resolver.asked(), 3) << "and then always";
  }
}

class TlsTest : public testing::Test {
 protected:
  net::TestCertificate certificate_ = net::makeTestCertificate("resolver");
  std::shared_ptr<const net::TlsContext> trusting_ =
      net::newTlsClient({.caPem = certificate_.certificatePem, .protocol = "dot"});
  Upstream named(uint16_t port, const char* name) {
    Upstream upstream = at(port, Upstream::Protocol::kTls);
    upstream.tlsName = name;
    return upstream;
  }
};

TEST_F(TlsTest, ManyQuestionsShareOneConnection) {
  std::atomic<int> unpadded{0};
  FakeResolver resolver(
      [&](const FakeResolver::Question& question) {
        unpadded += question.packet.size() % 128 != 0;
        return good(question);
      },
      certificate_.certificatePem, certificate_.keyPem);
  Asker asker({named(resolver.port(), "localhost")}, trusting_, kPatient);
  for (const std::string& answer : asker.askMany(50)) EXPECT_EQ(answer, kGood);
  EXPECT_EQ(asker.ask(), kGood);
  EXPECT_EQ(resolver.connections(), 1);
  EXPECT_EQ(unpadded, 0) << "RFC 8467";
}

TEST_F(TlsTest, OnlyTheNamedOnesCertificateIsBelieved) {
  FakeResolver resolver(good, certificate_.certificatePem, certificate_.keyPem);
  net::TestCertificate other = net::makeTestCertificate("other");
  auto believingOthers = net::newTlsClient({.caPem = other.certificatePem, .protocol = "dot"});
  EXPECT_EQ(Asker({named(resolver.port(), "localhost")}, believingOthers, kPatient).ask(), "nobody");
  EXPECT_EQ(Asker({named(resolver.port(), "dns.example")}, trusting_, kPatient).ask(), "nobody");
  EXPECT_EQ(Asker({named(resolver.port(), "")}, trusting_, kPatient).ask(), "nobody") << "127.0.0.2 is not in it";
  EXPECT_EQ(resolver.asked(), 0);
}

TEST_F(TlsTest, AConnectionThatTheResolverClosedIsReplaced) {
  FakeResolver resolver(good, certificate_.certificatePem, certificate_.keyPem);
  Asker asker({named(resolver.port(), "localhost")}, trusting_, kPatient);
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(asker.ask(), kGood);
    resolver.closeConnections();
  }
  EXPECT_EQ(resolver.connections(), 5);
}

TEST_F(TlsTest, ASilentConnectionIsFollowedByTheNextResolver) {
  FakeResolver first(silent, certificate_.certificatePem, certificate_.keyPem), second(good);
  ForwardTimes times = kHasty;
  Asker asker({named(first.port(), "localhost"), at(second.port())}, trusting_, times);
  EXPECT_EQ(asker.ask(), kGood);
}

}  // namespace
}  // namespace wherry::clusterdns
