// libFuzzer: patches of all kinds. What is merged or applied twice is as if it was once. The input is a document and a
// patch with a NUL between them.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "json/patch.h"
#include "meta/status.h"
#include "schema/merge.h"

namespace json = wherry::json;
namespace schema = wherry::schema;

namespace {

template <typename F>
void attempt(F patch) {
  try {
    patch();
  } catch (const json::PatchError&) {
  } catch (const wherry::meta::StatusError&) {
  }
}

void patchAll(const json::Value& document, const json::Value& patch) {
  static const schema::KindPtr kPod = schema::builtinRegistry()->findKind({"", "v1", "Pod"});
  schema::Manager manager{"fuzz", "v1", "", "2026-01-02T03:04:05Z"};
  attempt([&, copy = document]() mutable { json::applyJsonPatch(copy, patch); });
  attempt([&, once = document]() mutable {
    json::applyMergePatch(once, patch);
    json::Value twice = once;
    json::applyMergePatch(twice, patch);
    if (!json::equal(once, twice)) std::abort();
  });
  attempt([&, copy = document]() mutable { schema::applyStrategicMergePatch(*kPod->schema, copy, patch); });
  if (!document.is_object() || !patch.is_object()) return;
  attempt([&] {
    json::Value once = schema::serverSideApply(*kPod, document, patch, manager, schema::Force::kYes);
    json::Value twice = schema::serverSideApply(*kPod, once, patch, manager, schema::Force::kYes);
    if (!json::equal(once, twice)) std::abort();
  });
  attempt([&, after = patch]() mutable { schema::recordUpdate(*kPod, document, after, manager); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  size_t middle = text.find('\0');
  if (middle == std::string_view::npos) return 0;
  try {
    patchAll(json::parse(text.substr(0, middle)), json::parse(text.substr(middle + 1)));
  } catch (const json::ParseError&) {
  }
  return 0;
}
