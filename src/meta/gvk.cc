#include "meta/gvk.h"

namespace wherry::meta {
namespace {

void appendSegment(std::string& path, std::string_view segment) {
  if (!segment.empty()) (path += '/') += segment;
}

}  // namespace

std::string GroupVersion::apiVersion() const { return group.empty() ? version : group + "/" + version; }

GroupVersion GroupVersion::parse(std::string_view apiVersion) {
  size_t slash = apiVersion.find('/');
  if (slash == std::string_view::npos) return {"", std::string(apiVersion)};
  return {std::string(apiVersion.substr(0, slash)), std::string(apiVersion.substr(slash + 1))};
}

std::string GroupResource::text() const { return group.empty() ? resource : resource + "." + group; }

std::string Resource::path(std::string_view ns, std::string_view name, std::string_view subresource) const {
  std::string path = group.empty() ? "/api" : "/apis/" + group;
  appendSegment(path, version);
  if (!ns.empty()) appendSegment(path += "/namespaces", ns);
  appendSegment(path, resource);
  appendSegment(path, name);
  appendSegment(path, subresource);
  return path;
}

ObjectKey ObjectKey::parse(std::string_view text) {
  size_t slash = text.find('/');
  if (slash == std::string_view::npos) return {"", std::string(text)};
  return {std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
}

}  // namespace wherry::meta
