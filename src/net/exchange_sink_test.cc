#include "net/exchange_sink.h"

#include <gtest/gtest.h>

namespace wherry::net {
namespace {

// Notes what is asked of it, one word after the other.
class NotedExchange : public Exchange {
 public:
  const Request& request() const override { return request_; }
  void respond(Response response) override { said += "respond " + std::to_string(response.status) + " "; }
  void begin(int status, Headers headers) override {
    said += "begin " + std::to_string(status) + " " + std::string(headers.get("Content-Type")) + " ";
  }
  bool write(Bytes data) override {
    said += "write " + *data + " ";
    return *data != "full";
  }
  void finish() override { said += "finish "; }
  void onWritable(std::function<void()>) override {}
  void onClosed(std::function<void()>) override {}
  std::shared_ptr<RawConnection> upgrade(Headers) override { return nullptr; }

  std::string said;

 private:
  Request request_;
};

class ExchangeSinkTest : public testing::Test {
 protected:
  ExchangeSinkTest() {
    Headers headers;
    headers.add("Content-Type", "text/plain");
    sink = newExchangeSink(exchange, std::move(headers));
  }

  std::shared_ptr<NotedExchange> exchange = std::make_shared<NotedExchange>();
  std::shared_ptr<ByteSink> sink;
};

TEST_F(ExchangeSinkTest, BeginsOnceWithTheFirstBytes) {
  EXPECT_EQ(exchange->said, "") << "an error can still be answered";
  EXPECT_TRUE(sink->write("one"));
  EXPECT_FALSE(sink->write("full"));
  sink->finish();
  EXPECT_EQ(exchange->said, "begin 200 text/plain write one write full finish ");
}

TEST_F(ExchangeSinkTest, NothingAtAllIsAnAnswerToo) {
  sink->finish();
  EXPECT_EQ(exchange->said, "begin 200 text/plain finish ");
}

}  // namespace
}  // namespace wherry::net
