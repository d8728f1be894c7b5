#include "client/counting_client.h"

#include <chrono>

#include "client/request_metrics.h"

namespace wherry::client {
namespace {

constexpr int kOk = 200, kCreated = 201;

// `success`: the code of a request that doesn't throw.
template <typename Request>
auto counted(const std::string& host, std::string_view method, int success, Request request) {
  const auto start = std::chrono::steady_clock::now();
  const auto end = [&](int code) { countRequest(host, method, code, std::chrono::steady_clock::now() - start); };
  try {
    auto answer = request();
    end(success);
    return answer;
  } catch (const meta::StatusError& error) {
    end(error.code());
    throw;
  }
}

class CountingClient : public Client {
 public:
  CountingClient(std::unique_ptr<Client> client, std::string host)
      : client_(std::move(client)), host_(std::move(host)) {}

  meta::ObjectPtr get(const meta::Resource& resource, std::string_view ns, std::string_view name) override {
    return counted(host_, "GET", kOk, [&] { return client_->get(resource, ns, name); });
  }
  ObjectList list(const meta::Resource& resource, std::string_view ns, const ListOptions& options) override {
    return counted(host_, "GET", kOk, [&] { return client_->list(resource, ns, options); });
  }
  std::unique_ptr<Watch> watch(const meta::Resource& resource, std::string_view ns,
                               const ListOptions& options) override {
    return counted(host_, "GET", kOk, [&] { return client_->watch(resource, ns, options); });
  }
  meta::ObjectPtr create(const meta::Resource& resource, std::string_view ns, const json::Value& object,
                         const WriteOptions& options) override {
    return counted(host_, "POST", kCreated, [&] { return client_->create(resource, ns, object, options); });
  }
  meta::ObjectPtr update(const meta::Resource& resource, std::string_view ns, const json::Value& object,
                         const WriteOptions& options) override {
    return counted(host_, "PUT", kOk, [&] { return client_->update(resource, ns, object, options); });
  }
  meta::ObjectPtr patch(const meta::Resource& resource, std::string_view ns, std::string_view name, PatchType type,
                        const json::Value& patch, const WriteOptions& options) override {
    return counted(host_, "PATCH", kOk, [&] { return client_->patch(resource, ns, name, type, patch, options); });
  }
  void remove(const meta::Resource& resource, std::string_view ns, std::string_view name,
              const DeleteOptions& options) override {
    counted(host_, "DELETE", kOk, [&] {
      client_->remove(resource, ns, name, options);
      return true;
    });
  }
  meta::ObjectPtr createSubresource(const meta::Resource& resource, std::string_view ns, std::string_view name,
                                    std::string_view subresource, const json::Value& object) override {
    return counted(host_, "POST", kCreated,
                   [&] { return client_->createSubresource(resource, ns, name, subresource, object); });
  }

 private:
  const std::unique_ptr<Client> client_;
  const std::string host_;
};

}  // namespace

std::unique_ptr<Client> countRequestsOf(std::unique_ptr<Client> client, std::string host) {
  return std::make_unique<CountingClient>(std::move(client), std::move(host));
}

}  // namespace wherry::client
