#include "apiserver/discovery_cache.h"

#include <map>

#include <fmt/format.h>

#include "apiserver/answer.h"
#include "apiserver/media_type.h"
#include "base/encoding.h"
#include "base/guarded.h"
#include "base/strings.h"
#include "meta/status.h"
#include "schema/openapi.h"

namespace wherry::apiserver {
namespace {

constexpr std::chrono::minutes kKept{1};
// It is asked for with "@" before the version, which a media type may not hold (RFC 6838): the answer has a point
// there.
constexpr std::string_view kOpenApiV2ProtobufAnswer = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

struct Document {
  std::string contentType;
  net::Bytes body;
  std::string hash;  // SHA-256, in hex
};

Document makeDocument(std::string contentType, std::string body) {
  auto hash = base::sha256Hex(body);
  return {std::move(contentType), std::make_shared<const std::string>(std::move(body)), std::move(hash)};
}

net::Response send(const Document& document, const net::Request& request) {
  net::Response response;
  auto etag = "\"" + document.hash + "\"";
  bool known = request.headers.get("If-None-Match") == etag;
  response.status = known ? 304 : 200;
  response.headers.add("Content-Type", document.contentType);
  response.headers.add("ETag", std::move(etag));
  response.headers.add("Vary", "Accept");
  if (!known) response.body.push_back(document.body);
  return response;
}

// The first range that is an APIGroupDiscoveryList, before one that is plain JSON; "" for plain.
std::string aggregatedVersion(std::string_view accept) {
  for (const auto& range : parseAccept(accept)) {
    if (range.type == "application/json" && range.parameter("as").empty()) return {};
    auto version = range.parameter("v");
    bool served = range.type == "application/json" && range.parameter("g") == "apidiscovery.k8s.io" &&
                  range.parameter("as") == "APIGroupDiscoveryList" && (version == "v2" || version == "v2beta1");
    if (served) return std::string(version);
  }
  return {};
}

json::Value versionInfo() {
  return json::Object{{"major", "1"},
                      {"minor", "36"},
                      {"emulationMajor", "1"},
                      {"emulationMinor", "36"},
                      {"minCompatibilityMajor", "1"},
                      {"minCompatibilityMinor", "35"},
                      {"gitVersion", "v1.36.0+wherry" WHERRY_VERSION},
                      {"gitCommit", ""},
                      {"gitTreeState", ""},
                      {"buildDate", ""},
                      {"goVersion", ""},
                      {"compiler", ""},
                      {"platform", "linux/amd64"}};
}

// "apps/v1" of "/openapi/v3/apis/apps/v1", "v1" of ".../api/v1"; nothing for another path.
std::optional<meta::GroupVersion> openApiGroupVersion(std::string_view path) {
  constexpr std::string_view kRoot = "/openapi/v3/";
  if (!path.starts_with(kRoot)) return std::nullopt;
  auto parts = base::split(path.substr(kRoot.size()), '/');
  if (parts.size() == 2 && parts[0] == "api") return meta::GroupVersion{"", std::string(parts[1])};
  if (parts.size() == 3 && parts[0] == "apis") return meta::GroupVersion{std::string(parts[1]), std::string(parts[2])};
  return std::nullopt;
}

std::optional<json::Value> nothingIfNull(json::Value tree) {
  return tree.is_null() ? std::nullopt : std::optional(std::move(tree));
}

// Plain discovery: /api, /api/v1, /apis, /apis/apps, /apis/apps/v1.
std::optional<json::Value> plainDiscovery(const schema::Registry& kinds, std::string_view path) {
  auto parts = base::split(path.substr(1), '/');
  if (path == "/api") return schema::apiVersions();
  if (path == "/apis") return schema::apiGroupList(kinds);
  if (parts.size() == 2 && parts[0] == "api") {
    return nothingIfNull(schema::apiResourceList(kinds, {"", std::string(parts[1])}));
  }
  if (parts.size() == 2 && parts[0] == "apis") return nothingIfNull(schema::apiGroup(kinds, parts[1]));
  if (parts.size() == 3 && parts[0] == "apis") {
    return nothingIfNull(schema::apiResourceList(kinds, {std::string(parts[1]), std::string(parts[2])}));
  }
  return std::nullopt;
}

}  // namespace

struct DiscoveryCache::State {
  struct Kept {
    schema::RegistryPtr kinds;
    std::map<std::string, Document, std::less<>> documents;
    uint64_t uses = 0;  // tells an idle minute from a busy one
    bool timerRuns = false;
  };
  explicit State(Backend& b) : backend(b) {}

  Backend& backend;
  base::Guarded<Kept> kept;

  std::optional<Document> find(const schema::RegistryPtr& kinds, const std::string& key);
  void keep(const std::shared_ptr<State>& self, const std::string& key, const Document& document);
  void startTimer(const std::shared_ptr<State>& self, uint64_t uses);
  static std::optional<Document> render(const schema::Registry& kinds, const std::string& path,
                                        const std::string& form);
};

std::optional<Document> DiscoveryCache::State::find(const schema::RegistryPtr& kinds, const std::string& key) {
  return kept.with([&](Kept& state) -> std::optional<Document> {
    if (state.kinds != kinds) {
      state.documents.clear();
      state.kinds = kinds;
    }
    ++state.uses;
    auto found = state.documents.find(key);
    return found == state.documents.end() ? std::nullopt : std::optional(found->second);
  });
}

void DiscoveryCache::State::keep(const std::shared_ptr<State>& self, const std::string& key, const Document& document) {
  auto [start, uses] = kept.with([&](Kept& state) {
    state.documents.insert_or_assign(key, document);
    return std::pair(!std::exchange(state.timerRuns, true), state.uses);
  });
  if (start) startTimer(self, uses);
}

void DiscoveryCache::State::startTimer(const std::shared_ptr<State>& self, uint64_t uses) {
  backend.dispatcher.after(kKept, [weak = std::weak_ptr(self), uses] {
    auto state = weak.lock();
    if (!state) return;
    auto now = state->kept.with([&](Kept& keptState) {
      if (keptState.uses == uses) {
        keptState.documents.clear();
        keptState.timerRuns = false;
      }
      return keptState.uses;
    });
    if (now != uses) state->startTimer(state, now);
  });
}

std::optional<Document> DiscoveryCache::State::render(const schema::Registry& kinds, const std::string& path,
                                                      const std::string& form) {
  if (path == "/version") return makeDocument("application/json", json::serialize(versionInfo()));
  if (path == "/openapi/v2") {
    auto v2 = schema::openApiV2(kinds);
    if (form == "protobuf") return makeDocument(std::string(kOpenApiV2ProtobufAnswer), schema::openApiV2Protobuf(v2));
    return makeDocument("application/json", json::serialize(v2));
  }
  if (path == "/openapi/v3") return makeDocument("application/json", json::serialize(schema::openApiV3Index(kinds)));
  if (auto groupVersion = openApiGroupVersion(path)) {
    auto tree = nothingIfNull(schema::openApiV3(kinds, *groupVersion));
    return tree ? std::optional(makeDocument("application/json", json::serialize(*tree))) : std::nullopt;
  }
  if (!form.empty()) {
    auto root = path == "/api" ? schema::DiscoveryRoot::kApi : schema::DiscoveryRoot::kApis;
    return makeDocument("application/json;g=apidiscovery.k8s.io;v=" + form + ";as=APIGroupDiscoveryList",
                        json::serialize(schema::aggregatedDiscovery(kinds, root, form)));
  }
  auto tree = plainDiscovery(kinds, path);
  return tree ? std::optional(makeDocument("application/json", json::serialize(*tree))) : std::nullopt;
}

DiscoveryCache::DiscoveryCache(Backend& backend) : state_(std::make_shared<State>(backend)) {}
DiscoveryCache::~DiscoveryCache() = default;

std::optional<net::Response> DiscoveryCache::answer(const RequestInfo& info, const net::Request& request) {
  auto accept = request.headers.get("Accept");
  std::string form;
  if (info.path == "/api" || info.path == "/apis") form = aggregatedVersion(accept);
  if (info.path == "/openapi/v2" && accept.find("protobuf") != std::string_view::npos) form = "protobuf";
  auto kinds = state_->backend.kinds();
  auto key = info.path + "|" + form;
  auto document = state_->find(kinds, key);
  if (!document) {
    document = State::render(*kinds, info.path, form);
    if (!document) return std::nullopt;
    state_->keep(state_, key, *document);
  }
  auto response = send(*document, request);
  // A document asked for by its hash never changes.
  bool immutable = info.query.get("hash") == document->hash;
  response.headers.add("Cache-Control", immutable ? "public, max-age=31536000, immutable" : "no-cache, private");
  return response;
}

}  // namespace wherry::apiserver
