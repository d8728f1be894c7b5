#include "net/exchange_sink.h"

#include <atomic>
#include <utility>

namespace wherry::net {
namespace {

class ExchangeSink : public ByteSink {
 public:
  ExchangeSink(ExchangePtr exchange, Headers headers) : exchange_(std::move(exchange)), headers_(std::move(headers)) {}

  bool write(std::string_view data) override {
    begin();
    return exchange_->write(std::make_shared<const std::string>(data));
  }
  void finish() override {
    begin();
    exchange_->finish();
  }
  void onWritable(std::function<void()> handler) override { exchange_->onWritable(std::move(handler)); }
  void onClosed(std::function<void()> handler) override { exchange_->onClosed(std::move(handler)); }

 private:
  void begin() {
    if (!begun_.exchange(true)) exchange_->begin(200, std::move(headers_));
  }

  const ExchangePtr exchange_;
  Headers headers_;  // until the answer has begun
  std::atomic<bool> begun_{false};
};

}  // namespace

std::shared_ptr<ByteSink> newExchangeSink(ExchangePtr exchange, Headers headers) {
  return std::make_shared<ExchangeSink>(std::move(exchange), std::move(headers));
}

}  // namespace wherry::net
