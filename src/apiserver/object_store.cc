#include "apiserver/object_store.h"

#include "apiserver/conversion.h"
#include "apiserver/json_scan.h"
#include "apiserver/stored_form.h"
#include "apiserver/unreadable.h"
#include "base/strings.h"

namespace wherry::apiserver {
namespace {

void setTypeMeta(const schema::Kind& kind, json::Value& tree) {
  tree.as_object()["apiVersion"] = kind.resource.apiVersion();
  tree.as_object()["kind"] = kind.resource.kind;
}

}  // namespace

std::string keyOf(const WriteContext& context) {
  return objectKey(storedResource(*context.kind), context.ns, context.name);
}

json::Value readTree(const schema::Kind& kind, const storage::EntryPtr& entry) {
  auto tree = json::parse(requireReadable(entry)->bytes);
  if (const auto* conversion = conversionOf(kind)) conversion->fromStored(tree);
  setTypeMeta(kind, tree);
  return tree;
}

storage::Render renderForStore(const schema::Kind& kind, const json::Value& tree) {
  const auto* conversion = conversionOf(kind);
  if (!conversion) return renderStored(tree);
  json::Value converted = tree;
  conversion->toStored(converted);
  return renderStored(converted);
}

net::Bytes bytesFor(const schema::Kind& kind, const storage::EntryPtr& entry) {
  if (!conversionOf(kind)) return sharedBytes(entry);
  return std::make_shared<const std::string>(renderStored(readTree(kind, entry))(entry->modified));
}

meta::StatusError conflictWithLatest(const WriteContext& context) {
  return meta::conflict(context.resource(), context.name,
                        "the object has been modified; please apply your changes to the latest version and try again");
}

meta::StatusError writeFailure(const storage::Committed& committed, const WriteContext& context) {
  switch (committed.error) {
    case storage::WriteError::kExists:
      return meta::alreadyExists(context.resource(), context.name);
    case storage::WriteError::kMissing:
      return meta::notFound(context.resource(), context.name);
    case storage::WriteError::kConflict:
      return conflictWithLatest(context);
    default:
      return meta::internalError("the store can't write: " + committed.message);
  }
}

Written dryRunAnswer(int code, const schema::KindPtr& kind, const json::Value& tree, storage::Revision revision) {
  auto bytes = renderStored(tree)(revision);
  if (revision == 0) {
    constexpr std::string_view kNone = R"("resourceVersion":"0",)";
    auto found = findPath(bytes, "metadata.resourceVersion");
    auto at = static_cast<size_t>(found->data() - bytes.data()) - std::string_view(R"("resourceVersion":)").size();
    if (bytes.compare(at, kNone.size(), kNone) == 0) bytes.erase(at, kNone.size());
  }
  Written written;
  written.code = code;
  written.kind = kind;
  written.object = std::make_shared<const std::string>(std::move(bytes));
  return written;
}

Written Written::failure(meta::StatusError error) {
  Written written;
  written.code = error.code();
  written.error = std::move(error);
  return written;
}

}  // namespace wherry::apiserver
