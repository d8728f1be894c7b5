#include "controllers/slice_writer.h"

namespace wherry::controllers {

using discovery_v1::EndpointSlice;

std::vector<std::string> serviceOfSlice(const meta::Object& slice, std::string_view manager) {
  const auto metadata = slice.metadata();
  if (metadata.label(kManagedBy) != manager) return {};
  return {meta::ObjectKey{std::string(metadata.ns()), std::string(metadata.label(kServiceName))}.text()};
}

void SliceWriter::apply(const std::string& key, const SliceActions& actions) {
  const auto ns = meta::ObjectKey::parse(key).ns;
  try {
    for (const auto& slice : actions.create) writes_.wrote(key, *client_.create(EndpointSlice::kResource(), ns, slice));
    for (const auto& slice : actions.update) writes_.wrote(key, *client_.update(EndpointSlice::kResource(), ns, slice));
    for (const auto& slice : actions.remove) remove(key, slice);
  } catch (const meta::StatusError& error) {
    if (error.code() != 403) throw;  // the namespace is being deleted
  }
}

void SliceWriter::remove(const std::string& key, const EndpointSlice& slice) {
  try {
    client_.remove(EndpointSlice::kResource(), slice.metadata().ns(), slice.metadata().name(),
                   {.uid = std::string(slice.metadata().uid())});
  } catch (const meta::StatusError& error) {
    if (!error.isNotFound()) throw;
  }
  writes_.removed(key, *slice.object());
}

}  // namespace wherry::controllers
