#include "main/admin.h"

#include <algorithm>
#include <stdexcept>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/guarded.h"
#include "base/queue.h"
#include "base/strings.h"
#include "main/status_report.h"
#include "net/server.h"

namespace wherry::main {
namespace {

constexpr size_t kMaxWaiting = 64;
constexpr int64_t kMaxWaitMillis = 600'000;
constexpr unsigned kWorkers = 4;  // requests may wait for a registry or for readiness

struct AdminError : std::runtime_error {
  AdminError(int statusCode, const std::string& message) : std::runtime_error(message), status(statusCode) {}
  int status;
};

// The query's value of `key`, decoded; empty when missing.
std::string parameter(const net::Request& request, std::string_view key) {
  for (std::string_view pair : base::split(request.query, '&')) {
    auto parts = base::splitOnce(pair, '=');
    if (parts && parts->first == key) return base::decodePercent(parts->second).value_or("");
  }
  return {};
}

std::string requireParameter(const net::Request& request, std::string_view key) {
  std::string value = parameter(request, key);
  if (value.empty()) throw AdminError(400, fmt::format("{} is missing", key));
  return value;
}

class Endpoint : public AdminEndpoint {
 public:
  explicit Endpoint(AdminSubjects subjects) : subjects_(subjects) {
    for (unsigned i = 0; i < kWorkers; ++i) {
      workers_.emplace_back([this](std::stop_token stop) {
        while (auto exchange = queue_.pop(stop)) answer(**exchange);
      });
    }
    server_ = net::startServer({.address = "unix:" + subjects.options.runDir + "/admin.sock", .threads = 1},
                               [this](net::ExchangePtr exchange) { accept(std::move(exchange)); });
  }

  ~Endpoint() override {
    server_.reset();
    queue_.close();
  }

  void setParts(AdminParts parts) override {
    parts_.with([&](AdminParts& current) { current = parts; });
  }

 private:
  void accept(net::ExchangePtr exchange) {
    if (!queue_.tryPush(exchange)) respond(*exchange, 503, {{"message", "too many commands at once"}});
  }

  static void respond(net::Exchange& exchange, int status, const json::Value& body) {
    exchange.respond(net::Response::text(status, "application/json", json::serialize(body) + "\n"));
  }

  void answer(net::Exchange& exchange) {
    try {
      respond(exchange, 200, route(exchange.request()));
    } catch (const AdminError& error) {
      respond(exchange, error.status, {{"message", error.what()}});
    } catch (const std::exception& error) {
      respond(exchange, 500, {{"message", error.what()}});
    }
  }

  json::Value route(const net::Request& request) {
    std::string what = request.method + " " + request.path;
    if (what == "GET /status") return status(request);
    AdminParts parts = parts_.copy();
    if (what == "GET /report") return report(parts);
    if (request.path.starts_with("/images") && !parts.images) {
      bool later = !parts.client && subjects_.options.enabled("kubelet");
      throw AdminError(503, later ? "the server is still starting" : "no kubelet runs here");
    }
    if (what == "GET /images") return listImages(parts);
    if (what == "POST /images/import") return importImage(request, parts);
    if (what == "POST /images/pull") return pullImage(request, parts);
    if (what == "DELETE /images") return removeImage(request, parts);
    throw AdminError(404, "no such command: " + what);
  }

  json::Value status(const net::Request& request) {
    auto number = [&](const char* key) { return base::parseInt<int64_t>(parameter(request, key)); };
    std::chrono::milliseconds atMost(std::clamp<int64_t>(number("waitMillis").value_or(0), 0, kMaxWaitMillis));
    if (auto seen = number("seen"))
      subjects_.readiness.waitChange(*seen, atMost);
    else
      subjects_.readiness.waitReady(atMost);
    return renderParts(*subjects_.readiness.snapshot());
  }

  json::Value report(const AdminParts& parts) const {
    Report report = readReport(subjects_.options, *subjects_.readiness.snapshot(), parts.client);
    report.uptime = std::chrono::duration_cast<std::chrono::seconds>(subjects_.readiness.elapsed());
    return renderReport(report);
  }

  static json::Value listImages(const AdminParts& parts) {
    json::Array images;
    for (const kubelet::Image& image : parts.images->list()) {
      images.push_back({{"name", image.name}, {"digest", image.manifestDigest}, {"size", image.size}});
    }
    return {{"images", images}};
  }

  static json::Value importImage(const net::Request& request, const AdminParts& parts) {
    json::Array names;
    for (const kubelet::Image& image : parts.images->importArchive(requireParameter(request, "file"))) {
      names.emplace_back(image.name);
    }
    return {{"images", names}};
  }

  static json::Value pullImage(const net::Request& request, const AdminParts& parts) {
    std::string name = requireParameter(request, "image");
    return {{"image", parts.puller->pull(name, kubelet::PullPolicy::kAlways).image.name}};
  }

  static json::Value removeImage(const net::Request& request, const AdminParts& parts) {
    std::string name = requireParameter(request, "image");
    if (!parts.images->remove(name)) throw AdminError(404, fmt::format("no image {} on this node", name));
    return json::Object();
  }

  AdminSubjects subjects_;
  base::Guarded<AdminParts> parts_;
  base::Queue<net::ExchangePtr> queue_{kMaxWaiting};
  std::vector<std::jthread> workers_;
  std::unique_ptr<net::Server> server_;
};

}  // namespace

std::unique_ptr<AdminEndpoint> startAdminEndpoint(AdminSubjects subjects) {
  return std::make_unique<Endpoint>(subjects);
}

}  // namespace wherry::main
