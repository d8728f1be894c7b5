#include "main/admin.h"

#include <algorithm>
#include <stdexcept>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "base/guarded.h"
#include "base/queue.h"
#include "base/strings.h"
#include "main/admin_request.h"
#include "main/node_facts.h"
#include "main/status_report.h"
#include "net/server.h"

namespace wherry::main {
namespace {

constexpr size_t kMaxWaiting = 64;
constexpr int64_t kMaxWaitMillis = 600'000;
constexpr unsigned kWorkers = 4;  // requests may wait for a registry or for readiness

class Endpoint : public AdminEndpoint {
 public:
  explicit Endpoint(AdminSubjects subjects) : subjects_(subjects) {
    for (unsigned i = 0; i < kWorkers; ++i) {
      workers_.emplace_back([this](std::stop_token stop) {
        while (auto exchange = queue_.pop(stop)) answer(*exchange);
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

  void answer(const net::ExchangePtr& shared) {
    net::Exchange& exchange = *shared;
    try {
      if (exchange.request().method == "POST" && exchange.request().path == "/images/pull") {
        AdminParts parts = parts_.copy();
        requireImages(parts);
        return pullImage(exchange, parts);
      }
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
    if (what == "POST /secrets/rotate") return rotateSecrets(parts);
    if (what == "POST /shutdown-pods") return shutDownPods(parts);
    if (what == "POST /snapshot") return saveSnapshot(request, parts);
    if (what == "GET /doctor/dns") return readDnsAnswer(request, subjects_.options);
    if (what == "GET /doctor/kernel") return readKernel(request, subjects_.options, parts.proxy);
    if (what == "POST /doctor/dial") return dialFromNode(request);
    if (request.path.starts_with("/images")) requireImages(parts);
    if (what == "GET /images") return listImages(parts);
    if (what == "POST /images/import") return importImage(request, parts);
    if (what == "POST /images/prune") return pruneImages(request, parts);
    if (what == "DELETE /images") return removeImage(request, parts);
    throw AdminError(404, "no such command: " + what);
  }

  void requireImages(const AdminParts& parts) const {
    if (parts.images) return;
    bool later = !parts.client && subjects_.options.enabled("kubelet");
    throw AdminError(503, later ? "the server is still starting" : "no kubelet runs here");
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

  static json::Value rotateSecrets(const AdminParts& parts) {
    if (!parts.controlPlane) throw AdminError(503, "the server is still starting");
    auto result = parts.controlPlane->rewriteEncrypted();
    if (!result.failure.empty()) throw AdminError(500, result.failure);
    json::Array unreadable(result.unreadable.begin(), result.unreadable.end());
    return {{"written", result.written}, {"unreadable", std::move(unreadable)}};
  }

  static json::Value shutDownPods(const AdminParts& parts) {
    if (!parts.shutDownPods)
      throw AdminError(503, parts.client ? "no kubelet runs here" : "the server is still starting");
    parts.shutDownPods();
    return json::Object();
  }

  static json::Value saveSnapshot(const net::Request& request, const AdminParts& parts) {
    std::string path = requireParameter(request, "file");
    if (!path.starts_with('/')) throw AdminError(400, "file is not absolute");
    if (!parts.controlPlane) throw AdminError(503, "the server is still starting");
    ClusterFacts facts = parts.controlPlane->saveSnapshot(path);
    return {{"revision", facts.end.revision},
            {"objects", facts.objects},
            {"keys", json::Array(facts.keys.begin(), facts.keys.end())},
            {"unread", json::Array(facts.unread.begin(), facts.unread.end())}};
  }

  static json::Value listImages(const AdminParts& parts) {
    json::Array images;
    for (const kubelet::Image& image : parts.images->list()) {
      images.push_back({{"name", image.name},
                        {"digest", image.manifestDigest},
                        {"size", image.size},
                        {"source", image.source == kubelet::ImageSource::kPulled ? "pulled" : "imported"},
                        {"inUse", parts.garbage->inUse(image)}});
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

  // Answered in lines, so that whoever waits sees for what.
  static void pullImage(net::Exchange& exchange, const AdminParts& parts) {
    std::string name = requireParameter(exchange.request(), "image");
    auto line = [&](const json::Object& content) {
      exchange.write(std::make_shared<const std::string>(json::serialize(content) + "\n"));
    };
    net::Headers headers;
    headers.add("Content-Type", "application/json");
    exchange.begin(200, std::move(headers));
    try {
      kubelet::PullWatcher watcher{[&](const std::string& progress) { line({{"progress", progress}}); }};
      auto result = parts.puller->pull(name, kubelet::PullPolicy::kAlways, {}, watcher);
      if (result.how == kubelet::PullResult::How::kFallback) {
        line({{"message", "its registry can't be reached; the image that was imported by hand stays"}});
      } else {
        line({{"image", result.image.name}});
      }
    } catch (const std::exception& error) {
      line({{"message", error.what()}});
    }
    exchange.finish();
  }

  static json::Value pruneImages(const net::Request& request, const AdminParts& parts) {
    bool all = parameter(request, "all") == "true";
    json::Array names;
    auto what = all ? kubelet::ImageGarbage::Prune::kAll : kubelet::ImageGarbage::Prune::kPulled;
    for (const std::string& name : parts.garbage->prune(what)) names.emplace_back(name);
    return {{"images", names}};
  }

  static json::Value removeImage(const net::Request& request, const AdminParts& parts) {
    std::string name = requireParameter(request, "image");
    auto image = parts.images->find(name);
    if (image && parts.garbage->inUse(*image)) {
      throw AdminError(409, fmt::format("image {} is in use by a container; delete its pod first", image->name));
    }
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
