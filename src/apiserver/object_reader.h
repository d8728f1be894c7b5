// ObjectReader (admission/admission.h) over the store: the newest state, parsed anew at each call.
#pragma once

#include "apiserver/admission/admission.h"
#include "storage/store.h"

namespace wherry::apiserver {

class StoreReader : public ObjectReader {
 public:
  explicit StoreReader(const storage::Store& store) : store_(store) {}
  meta::ObjectPtr find(const meta::GroupResource& resource, std::string_view ns, std::string_view name) const override;
  std::vector<meta::ObjectPtr> list(const meta::GroupResource& resource, std::string_view ns) const override;

 private:
  const storage::Store& store_;
};

}  // namespace wherry::apiserver
