#include "controllers/status_writer.h"

namespace wherry::controllers {

meta::ObjectPtr applyStatus(client::Client& client, const meta::Resource& resource, const meta::Object& object,
                            json::Object status) {
  json::Value written(std::move(status));
  const auto* current = json::find(object.tree(), "status");
  if (current ? json::equal(*current, written) : written.as_object().empty()) return nullptr;
  json::Value draft = object.tree();
  draft.as_object()["status"] = std::move(written);
  try {
    return client.update(resource, object.metadata().ns(), draft, {.subresource = "status"});
  } catch (const meta::StatusError& error) {
    if (!error.isNotFound()) throw;
    return nullptr;
  }
}

void setCount(json::Object& status, std::string_view name, int64_t count) {
  if (count == 0) {
    status.erase(name);
  } else {
    status[name] = count;
  }
}

}  // namespace wherry::controllers
