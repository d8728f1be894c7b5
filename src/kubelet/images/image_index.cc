#include "kubelet/images/image_index.h"

#include <stdexcept>

#include "base/strings.h"

namespace wherry::kubelet {
namespace {

constexpr const char* kNameKey = "org.opencontainers.image.ref.name";
constexpr const char* kSourceKey = "wherry.image.source";
constexpr const char* kDigestKey = "wherry.image.source-digest";
constexpr const char* kLoginsKey = "wherry.image.logins";
constexpr const char* kManifestType = "application/vnd.oci.image.manifest.v1+json";

json::Object renderEntry(const Image& image) {
  json::Object annotations{{kNameKey, image.name},
                           {kSourceKey, image.source == ImageSource::kPulled ? "pulled" : "imported"},
                           {kDigestKey, image.sourceDigest}};
  if (!image.logins.empty()) annotations[kLoginsKey] = base::join(image.logins, ",");
  return {{"mediaType", kManifestType},
          {"digest", image.manifestDigest},
          {"size", image.manifestSize},
          {"annotations", std::move(annotations)}};
}

std::string annotation(const Descriptor& descriptor, const char* key) {
  const json::Value* value = descriptor.annotations.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : "";
}

}  // namespace

std::string renderImageIndex(const ImagesByName& images) {
  json::Array manifests;
  for (const auto& [name, image] : images) manifests.push_back(renderEntry(image));
  return json::serializePretty(json::Object{{"schemaVersion", 2}, {"manifests", std::move(manifests)}});
}

std::vector<IndexEntry> parseImageIndex(std::string_view text) {
  json::Value index = json::parse(text);
  const json::Value* manifests = json::find(index, "manifests");
  if (!manifests || !manifests->is_array()) throw std::runtime_error("not an OCI index");
  std::vector<IndexEntry> entries;
  for (Descriptor& descriptor : parseDescriptors(manifests->get_array())) {
    Image image;
    image.name = annotation(descriptor, kNameKey);
    image.source = annotation(descriptor, kSourceKey) == "pulled" ? ImageSource::kPulled : ImageSource::kImported;
    image.sourceDigest = annotation(descriptor, kDigestKey);
    std::string logins = annotation(descriptor, kLoginsKey);
    for (std::string_view login : base::split(logins, ',')) {
      if (!login.empty()) image.logins.emplace_back(login);
    }
    entries.push_back({std::move(descriptor), std::move(image)});
  }
  return entries;
}

}  // namespace wherry::kubelet
