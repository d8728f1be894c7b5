// A node for tests of what goes through client::NodeConnection: overriding one call is enough, the others refuse.
#pragma once

#include "client/node_connection.h"
#include "meta/status.h"

namespace wherry::apiserver {

class TestNode : public client::NodeConnection {
 public:
  void logs(std::string_view, std::string_view, std::string_view, const client::LogOptions&,
            std::shared_ptr<client::ByteSink>) override {
    refuse();
  }
  client::StartProcess exec(std::string_view, std::string_view, std::string_view,
                            const client::ProcessOptions&) override {
    refuse();
  }
  client::StartProcess attach(std::string_view, std::string_view, std::string_view,
                              const client::ProcessOptions&) override {
    refuse();
  }
  void dial(std::string_view, std::string_view, std::string_view, uint16_t, client::OnDialed) override { refuse(); }
  void serve(std::string_view, net::ExchangePtr) override { refuse(); }
  client::NodeUsage usage() override { return {}; }

 private:
  [[noreturn]] static void refuse() { throw meta::serviceUnavailable("this node is only a test's"); }
};

}  // namespace wherry::apiserver
