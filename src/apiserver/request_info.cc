#include "apiserver/request_info.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "base/strings.h"

namespace wherry::apiserver {
namespace {

std::optional<std::string> decode(std::string_view text, bool plusIsSpace) {
  bool plain = text.find('%') == std::string_view::npos;
  if (!plusIsSpace || text.find('+') == std::string_view::npos) {
    return plain ? std::string(text) : base::decodePercent(text);
  }
  std::string spaced(text);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return plain ? spaced : base::decodePercent(spaced);
}

// The non-empty segments of a path, decoded.
std::optional<std::vector<std::string>> segmentsOf(std::string_view path) {
  std::vector<std::string> segments;
  for (auto piece : base::split(path, '/')) {
    if (piece.empty()) continue;
    auto text = decode(piece, false);
    if (!text) return std::nullopt;
    segments.push_back(std::move(*text));
  }
  return segments;
}

// How many leading segments name the API (group and version); 0 when the path is not of a resource.
size_t readGroupVersion(RequestInfo& info, const std::vector<std::string>& segments) {
  if (segments.size() >= 3 && segments[0] == "api") {
    info.version = segments[1];
    return 2;
  }
  if (segments.size() >= 4 && segments[0] == "apis") {
    info.group = segments[1];
    info.version = segments[2];
    return 3;
  }
  return 0;
}

// A Namespace is itself an object: /namespaces/x/status and /namespaces/x/finalize are its subresources, not resources
// called so within it.
bool isNamespaceSubresource(std::string_view segment) { return segment == "status" || segment == "finalize"; }

void readResource(RequestInfo& info, const std::vector<std::string>& segments, size_t at) {
  bool inNamespace = segments[at] == "namespaces" && segments.size() > at + 2 &&
                     !(isNamespaceSubresource(segments[at + 2]) && segments.size() == at + 3);
  if (inNamespace) {
    info.ns = segments[at + 1];
    at += 2;
  }
  info.resource = segments[at++];
  if (at < segments.size()) info.name = segments[at++];
  if (at < segments.size()) info.subresource = segments[at++];
  for (; at < segments.size(); ++at) info.rest += "/" + segments[at];
}

Verb readVerb(std::string_view method, const Query& query) {
  if (method == "GET" || method == "HEAD") return query.flag("watch") ? Verb::kWatch : Verb::kGet;
  if (method == "POST") return Verb::kCreate;
  if (method == "PUT") return Verb::kUpdate;
  if (method == "PATCH") return Verb::kPatch;
  if (method == "DELETE") return Verb::kDelete;
  return Verb::kOther;
}

Verb verbOf(const RequestInfo& info, Verb verb) {
  if (verb == Verb::kWatch && !info.subresource.empty()) return Verb::kGet;
  if (!info.name.empty()) return verb;
  if (verb == Verb::kGet) return Verb::kList;
  if (verb == Verb::kDelete) return Verb::kDeleteCollection;
  return verb;
}

}  // namespace

std::optional<Query> Query::parse(std::string_view text) {
  Query query;
  if (text.empty()) return query;
  for (auto piece : base::split(text, '&')) {
    if (piece.empty()) continue;
    auto pair = base::splitOnce(piece, '=');
    auto name = decode(pair ? pair->first : piece, true);
    auto value = decode(pair ? pair->second : std::string_view(), true);
    if (!name || !value) return std::nullopt;
    query.parameters_.emplace_back(std::move(*name), std::move(*value));
  }
  return query;
}

bool Query::has(std::string_view name) const {
  return std::any_of(parameters_.begin(), parameters_.end(), [&](const auto& pair) { return pair.first == name; });
}

std::string_view Query::get(std::string_view name) const {
  for (const auto& [key, value] : parameters_) {
    if (key == name) return value;
  }
  return {};
}

bool Query::flag(std::string_view name) const {
  if (!has(name)) return false;
  auto value = get(name);
  return !base::equalsIgnoreCase(value, "false") && value != "0";
}

void Query::set(std::string name, std::string value) {
  for (auto& pair : parameters_) {
    if (pair.first == name) {
      pair.second = std::move(value);
      return;
    }
  }
  parameters_.emplace_back(std::move(name), std::move(value));
}

std::string_view verbName(Verb verb) {
  static constexpr std::array<std::string_view, 9> kNames = {
      "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", ""};
  return kNames[static_cast<size_t>(verb)];
}

std::optional<RequestInfo> RequestInfo::parse(std::string_view method, std::string_view path, std::string_view query) {
  RequestInfo info;
  auto parameters = Query::parse(query);
  auto segments = segmentsOf(path);
  if (!parameters || !segments) return std::nullopt;
  info.query = std::move(*parameters);
  info.path = "/" + base::join(*segments, "/");
  info.verb = readVerb(method, info.query);
  size_t at = readGroupVersion(info, *segments);
  if (at == 0) return info;
  bool watchPrefix = (*segments)[at] == "watch" && segments->size() > at + 1;  // deprecated: /api/v1/watch/pods
  if (watchPrefix) ++at;
  info.isResource = true;
  readResource(info, *segments, at);
  info.verb = watchPrefix && info.verb == Verb::kGet ? Verb::kWatch : verbOf(info, info.verb);
  return info;
}

}  // namespace wherry::apiserver
