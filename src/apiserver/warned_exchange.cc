#include "apiserver/warned_exchange.h"

#include "apiserver/answer.h"

namespace wherry::apiserver {
namespace {

class WarnedExchange : public net::Exchange {
 public:
  WarnedExchange(net::ExchangePtr exchange, std::string warning)
      : exchange_(std::move(exchange)), warning_(std::move(warning)) {}

  const net::Request& request() const override { return exchange_->request(); }

  void respond(net::Response response) override {
    addWarnings(response.headers, {warning_});
    exchange_->respond(std::move(response));
  }

  void begin(int status, net::Headers headers) override {
    addWarnings(headers, {warning_});
    exchange_->begin(status, std::move(headers));
  }

  bool write(net::Bytes data) override { return exchange_->write(std::move(data)); }
  void finish() override { exchange_->finish(); }
  void onWritable(std::function<void()> handler) override { exchange_->onWritable(std::move(handler)); }
  void onClosed(std::function<void()> handler) override { exchange_->onClosed(std::move(handler)); }

  std::shared_ptr<net::RawConnection> upgrade(net::Headers headers) override {
    return exchange_->upgrade(std::move(headers));
  }

 private:
  net::ExchangePtr exchange_;
  std::string warning_;
};

}  // namespace

net::ExchangePtr withWarning(net::ExchangePtr exchange, std::string warning) {
  return std::make_shared<WarnedExchange>(std::move(exchange), std::move(warning));
}

}  // namespace wherry::apiserver
