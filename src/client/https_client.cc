#include "client/https_client.h"

#include <chrono>

#include "base/encoding.h"
#include "base/strings.h"
#include "client/https_watch.h"
#include "client/request_metrics.h"
#include "net/http_client.h"

namespace wherry::client {
namespace {

// "a=b&c=d" of the parameters that have a value.
class Query {
 public:
  void add(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    if (!text_.empty()) text_ += '&';
    text_.append(name).append("=").append(base::encodePercent(value));
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

Query listQuery(const ListOptions& options) {
  Query query;
  query.add("labelSelector", options.labelSelector);
  query.add("fieldSelector", options.fieldSelector);
  query.add("resourceVersion", options.resourceVersion);
  return query;
}

Query writeQuery(const WriteOptions& options) {
  Query query;
  query.add("fieldManager", options.fieldManager);
  query.add("force", options.force ? "true" : "");
  return query;
}

std::string_view contentTypeOf(PatchType type) {
  switch (type) {
    case PatchType::kJson:
      return "application/json-patch+json";
    case PatchType::kMerge:
      return "application/merge-patch+json";
    case PatchType::kStrategic:
      return "application/strategic-merge-patch+json";
    case PatchType::kApply:
      return "application/apply-patch+yaml";  // JSON is YAML
  }
  return {};
}

std::string_view textOf(Propagation propagation) {
  switch (propagation) {
    case Propagation::kBackground:
      return "Background";
    case Propagation::kForeground:
      return "Foreground";
    case Propagation::kOrphan:
      return "Orphan";
  }
  return {};
}

json::Value renderDeleteOptions(const DeleteOptions& options) {
  json::Object body{{"kind", "DeleteOptions"}, {"apiVersion", "v1"}};
  if (options.gracePeriodSeconds) body["gracePeriodSeconds"] = *options.gracePeriodSeconds;
  if (options.propagation) body["propagationPolicy"] = textOf(*options.propagation);
  json::Object preconditions;
  if (!options.uid.empty()) preconditions["uid"] = options.uid;
  if (!options.resourceVersion.empty()) preconditions["resourceVersion"] = options.resourceVersion;
  if (!preconditions.empty()) body["preconditions"] = std::move(preconditions);
  return body;
}

// The items of a built-in's list come without their type.
meta::ObjectPtr withType(json::Value item, const meta::Resource& resource) {
  json::Object& fields = item.as_object();
  if (!fields.contains("apiVersion")) fields["apiVersion"] = resource.apiVersion();
  if (!fields.contains("kind")) fields["kind"] = resource.kind;
  return std::make_shared<const meta::Object>(std::move(item));
}

std::string pathOf(const meta::Resource& resource, std::string_view ns, std::string_view name,
                   std::string_view subresource = {}) {
  return resource.path(ns, base::encodePercent(name), subresource);
}

// "10.0.0.1:6443" of "https://10.0.0.1:6443/".
std::string hostOf(std::string_view url) {
  size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  return std::string(url.substr(0, url.find('/')));
}

class HttpsClient : public Client {
 public:
  explicit HttpsClient(const Kubeconfig& config)
      : host_(hostOf(config.server)),
        token_(config.token),
        http_(net::newHttpClient({.url = config.server,
                                  .caPem = config.authorityPem,
                                  .certificatePem = config.certificatePem,
                                  .keyPem = config.keyPem})) {}

  meta::ObjectPtr get(const meta::Resource& resource, std::string_view ns, std::string_view name) override {
    return callForObject(request("GET", pathOf(resource, ns, name), {}));
  }
  ObjectList list(const meta::Resource& resource, std::string_view ns, const ListOptions& options) override;
  std::unique_ptr<Watch> watch(const meta::Resource& resource, std::string_view ns,
                               const ListOptions& options) override;
  meta::ObjectPtr create(const meta::Resource& resource, std::string_view ns, const json::Value& object,
                         const WriteOptions& options) override {
    std::string path = pathOf(resource, ns, "", options.subresource);
    return callForObject(request("POST", path, writeQuery(options), json::serialize(object)));
  }
  meta::ObjectPtr update(const meta::Resource& resource, std::string_view ns, const json::Value& object,
                         const WriteOptions& options) override {
    std::string path = pathOf(resource, ns, json::getString(object, "metadata.name"), options.subresource);
    return callForObject(request("PUT", path, writeQuery(options), json::serialize(object)));
  }
  meta::ObjectPtr patch(const meta::Resource& resource, std::string_view ns, std::string_view name, PatchType type,
                        const json::Value& patch, const WriteOptions& options) override {
    std::string path = pathOf(resource, ns, name, options.subresource);
    return callForObject(request("PATCH", path, writeQuery(options), json::serialize(patch), contentTypeOf(type)));
  }
  void remove(const meta::Resource& resource, std::string_view ns, std::string_view name,
              const DeleteOptions& options) override {
    call(request("DELETE", pathOf(resource, ns, name), {}, json::serialize(renderDeleteOptions(options))));
  }
  meta::ObjectPtr createSubresource(const meta::Resource& resource, std::string_view ns, std::string_view name,
                                    std::string_view subresource, const json::Value& object) override {
    return callForObject(request("POST", pathOf(resource, ns, name, subresource), {}, json::serialize(object)));
  }

 private:
  net::Request request(std::string method, std::string path, Query query, std::string body = {},
                       std::string_view contentType = "application/json") const;
  json::Value call(const net::Request& request);
  meta::ObjectPtr callForObject(const net::Request& request) {
    return std::make_shared<const meta::Object>(call(request));
  }

  const std::string host_;
  const std::string token_;
  const std::unique_ptr<net::HttpClient> http_;
};

net::Request HttpsClient::request(std::string method, std::string path, Query query, std::string body,
                                  std::string_view contentType) const {
  net::Request request;
  request.method = std::move(method);
  request.path = std::move(path);
  request.query = query.take();
  request.headers.add("Accept", "application/json");
  if (!token_.empty()) request.headers.add("Authorization", "Bearer " + token_);
  if (!body.empty()) request.headers.add("Content-Type", std::string(contentType));
  request.body = std::move(body);
  return request;
}

json::Value HttpsClient::call(const net::Request& request) {
  net::ClientResponse response;
  const auto start = std::chrono::steady_clock::now();
  try {
    response = http_->call(request);
  } catch (const std::exception& error) {
    countRequest(host_, request.method, kNoAnswer, std::chrono::steady_clock::now() - start);
    throw meta::serviceUnavailable(error.what());
  }
  countRequest(host_, request.method, response.status, std::chrono::steady_clock::now() - start);
  if (response.status < 200 || response.status > 299) {
    throw meta::StatusError::fromJson(response.status, response.body);
  }
  try {
    json::Value body = json::parse(response.body);
    if (body.is_object()) return body;
  } catch (const json::ParseError&) {
  }
  throw meta::internalError("the server's answer is no JSON object");
}

ObjectList HttpsClient::list(const meta::Resource& resource, std::string_view ns, const ListOptions& options) {
  json::Value body = call(request("GET", resource.path(ns), listQuery(options)));
  ObjectList result;
  result.revision = base::parseInt<int64_t>(json::getString(body, "metadata.resourceVersion")).value_or(0);
  json::Value* items = body.get_object().if_contains("items");
  if (items == nullptr || !items->is_array()) return result;
  for (json::Value& item : items->get_array()) {
    if (!item.is_object()) throw meta::internalError("the server's list holds what is no object");
    result.items.push_back(withType(std::move(item), resource));
  }
  return result;
}

std::unique_ptr<Watch> HttpsClient::watch(const meta::Resource& resource, std::string_view ns,
                                          const ListOptions& options) {
  Query query = listQuery(options);
  query.add("watch", "true");
  query.add("allowWatchBookmarks", "true");
  return newHttpsWatch(*http_, request("GET", resource.path(ns), std::move(query)), host_);
}

}  // namespace

std::shared_ptr<Client> newHttpsClient(const Kubeconfig& config) { return std::make_shared<HttpsClient>(config); }

}  // namespace wherry::client
