#include "apiserver/object_reader.h"

#include "apiserver/stored_form.h"
#include "apiserver/unreadable.h"

namespace wherry::apiserver {

meta::ObjectPtr StoreReader::find(const meta::GroupResource& resource, std::string_view ns,
                                  std::string_view name) const {
  auto entry = store_.newest(objectKey(resource, ns, name));
  return entry ? std::make_shared<const meta::Object>(json::parse(requireReadable(entry)->bytes)) : nullptr;
}

std::vector<meta::ObjectPtr> StoreReader::list(const meta::GroupResource& resource, std::string_view ns) const {
  std::vector<meta::ObjectPtr> objects;
  auto result = store_.list(collectionPrefix(resource, ns), {}, 0, 0);
  for (const auto& entry : result.page.entries) {
    objects.push_back(std::make_shared<const meta::Object>(json::parse(requireReadable(entry)->bytes)));
  }
  return objects;
}

}  // namespace wherry::apiserver
