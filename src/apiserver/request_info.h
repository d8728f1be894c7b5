// What a request asks of the API, read from its method, path and query: Kubernetes' own rules of where group, version,
// namespace, resource, name and subresource stand in a path. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wherry::apiserver {

// The parameters of a query string, decoded, in order.
class Query {
 public:
  Query() = default;
  // Nothing when the percent-encoding is broken.
  static std::optional<Query> parse(std::string_view text);

  bool has(std::string_view name) const;
  std::string_view get(std::string_view name) const;  // the first one; "" when missing
  // "", "1", "true" and the like are true where the parameter is there; "0" and "false" are not.
  bool flag(std::string_view name) const;
  void set(std::string name, std::string value);
  const std::vector<std::pair<std::string, std::string>>& parameters() const { return parameters_; }

 private:
  std::vector<std::pair<std::string, std::string>> parameters_;
};

enum class Verb { kGet, kList, kWatch, kCreate, kUpdate, kPatch, kDelete, kDeleteCollection, kOther };
std::string_view verbName(Verb verb);  // "get", "deletecollection"; "" for kOther

struct RequestInfo {
  Verb verb = Verb::kOther;
  std::string path;         // decoded
  bool isResource = false;  // of /api/<version>/... or /apis/<group>/<version>/...; else only `path` counts
  std::string group;
  std::string version;
  std::string ns;  // "" for a cluster-scoped object or all namespaces
  std::string resource;
  std::string name;
  std::string subresource;
  std::string rest;  // what follows the subresource: "/a/b" of .../proxy/a/b
  Query query;

  // Nothing when path or query are not decodable.
  static std::optional<RequestInfo> parse(std::string_view method, std::string_view path, std::string_view query);
};

}  // namespace wherry::apiserver
