#include "apiserver/local_client.h"

#include <future>

#include "apiserver/list_options.h"
#include "apiserver/lister.h"
#include "apiserver/local_watch.h"
#include "apiserver/metrics.h"
#include "apiserver/object_deleter.h"
#include "apiserver/object_store.h"
#include "apiserver/object_writer.h"
#include "apiserver/patcher.h"
#include "apiserver/pod_subresources.h"
#include "apiserver/reviews.h"
#include "apiserver/scale.h"
#include "apiserver/stored_form.h"
#include "client/counting_client.h"

namespace wherry::apiserver {
namespace {

// Starts a write and waits for it. The promise is shared: its setter may still be inside it when the waiter goes on.
template <typename Start>
Written await(Start start) {
  auto promise = std::make_shared<std::promise<Written>>();
  auto future = promise->get_future();
  start([promise](Written written) { promise->set_value(std::move(written)); });
  auto written = future.get();
  if (written.error) throw meta::StatusError(*written.error);
  return written;
}

meta::ObjectPtr objectOf(const Written& written) {
  if (!written.object) return nullptr;
  auto text = written.kind ? withTypeMeta(*written.kind, *written.object) : *written.object;
  return std::make_shared<const meta::Object>(json::parse(text));
}

RequestInfo infoOf(const meta::Resource& resource, std::string_view ns, const client::ListOptions& options, Verb verb) {
  RequestInfo info;
  info.verb = verb;
  info.isResource = true;
  info.group = resource.group;
  info.version = resource.version;
  info.resource = resource.resource;
  info.ns = ns;
  if (!options.labelSelector.empty()) info.query.set("labelSelector", options.labelSelector);
  if (!options.fieldSelector.empty()) info.query.set("fieldSelector", options.fieldSelector);
  if (!options.resourceVersion.empty()) info.query.set("resourceVersion", options.resourceVersion);
  return info;
}

class LocalClient : public client::Client {
 public:
  LocalClient(Backend& backend, UserPtr user, std::string manager)
      : backend_(backend), user_(std::move(user)), manager_(std::move(manager)) {}

  meta::ObjectPtr get(const meta::Resource& resource, std::string_view ns, std::string_view name) override {
    auto kind = requireKind(resource);
    auto entry = backend_.store.get(objectKey(storedResource(*kind), ns, name));
    if (!entry) throw meta::notFound(resource.groupResource(), name);
    return std::make_shared<const meta::Object>(readTree(*kind, entry));
  }

  client::ObjectList list(const meta::Resource& resource, std::string_view ns,
                          const client::ListOptions& options) override {
    auto kind = requireKind(resource);
    const auto parsed = parseListOptions(*kind, infoOf(resource, ns, options, Verb::kList));
    auto listing = resource.group == kMetricsGroup ? listMetrics(backend_, *kind, ns, parsed)
                                                   : listEntries(backend_, *kind, ns, parsed);
    client::ObjectList list;
    list.revision = listing.revision;
    list.items.reserve(listing.entries.size());
    for (const auto& entry : listing.entries) {
      list.items.push_back(
          std::make_shared<const meta::Object>(json::parse(withoutManagedFields(*kind, *bytesFor(*kind, entry)))));
    }
    return list;
  }

  std::unique_ptr<client::Watch> watch(const meta::Resource& resource, std::string_view ns,
                                       const client::ListOptions& options) override {
    auto kind = requireKind(resource);
    return newLocalWatch(backend_, kind, ns, parseListOptions(*kind, infoOf(resource, ns, options, Verb::kWatch)));
  }

  meta::ObjectPtr create(const meta::Resource& resource, std::string_view ns, const json::Value& object,
                         const client::WriteOptions& options) override {
    auto context = contextOf(resource, ns, "", options);
    if (context.kind->virtualKind) return review(context, object);
    return objectOf(await([&](OnWritten done) { createObject(backend_, context, object, std::move(done)); }));
  }

  meta::ObjectPtr update(const meta::Resource& resource, std::string_view ns, const json::Value& object,
                         const client::WriteOptions& options) override {
    auto context = contextOf(resource, ns, json::getString(object, "metadata.name"), options);
    if (options.subresource == "scale") {
      return objectOf(await([&](OnWritten done) {
        updateScale(
            backend_, context, [&](const json::Value&) { return object; }, std::move(done));
      }));
    }
    Change change;
    change.next = [&object](const json::Value*) { return object; };
    return objectOf(await([&](OnWritten done) { updateObject(backend_, context, change, std::move(done)); }));
  }

  meta::ObjectPtr patch(const meta::Resource& resource, std::string_view ns, std::string_view name,
                        client::PatchType type, const json::Value& patch,
                        const client::WriteOptions& options) override {
    auto context = contextOf(resource, ns, name, options);
    auto change = changeOf(backend_, context, type, patch, options.force);
    return objectOf(await([&](OnWritten done) {
      if (options.subresource != "scale") return updateObject(backend_, context, change, std::move(done));
      updateScale(
          backend_, context, [&](const json::Value& scale) { return change.next(&scale); }, std::move(done));
    }));
  }

  void remove(const meta::Resource& resource, std::string_view ns, std::string_view name,
              const client::DeleteOptions& options) override {
    auto context = contextOf(resource, ns, name, {});
    await([&](OnWritten done) { deleteObject(backend_, context, options, std::move(done)); });
  }

  meta::ObjectPtr createSubresource(const meta::Resource& resource, std::string_view ns, std::string_view name,
                                    std::string_view subresource, const json::Value& object) override {
    auto context = contextOf(resource, ns, name, {});
    if (subresource == "binding") {
      return objectOf(await([&](OnWritten done) { bindPod(backend_, context, object, std::move(done)); }));
    }
    if (subresource == "eviction") {
      return objectOf(await([&](OnWritten done) { evictPod(backend_, context, object, std::move(done)); }));
    }
    if (subresource == "token") {
      return std::make_shared<const meta::Object>(answerTokenRequest(backend_, ns, name, object).request);
    }
    throw meta::pathNotFound();
  }

 private:
  schema::KindPtr requireKind(const meta::Resource& resource) const {
    auto kind = backend_.kinds()->findResource(resource.group, resource.version, resource.resource);
    if (!kind) throw meta::pathNotFound();
    return kind;
  }

  WriteContext contextOf(const meta::Resource& resource, std::string_view ns, std::string_view name,
                         const client::WriteOptions& options) const {
    WriteContext context;
    context.kind = requireKind(resource);
    context.ns = ns;
    context.name = name;
    context.subresource = options.subresource == "scale" ? "" : options.subresource;
    context.user = user_;
    context.fieldValidation = FieldValidation::kIgnore;
    context.fieldManager = options.fieldManager.empty() ? manager_ : options.fieldManager;
    return context;
  }

  meta::ObjectPtr review(const WriteContext& context, const json::Value& object) const {
    auto answer = answerReview(backend_, *context.kind, context.ns, *user_, object);
    if (!answer) throw meta::methodNotSupported(context.resource(), "create");
    return std::make_shared<const meta::Object>(std::move(*answer));
  }

  Backend& backend_;
  UserPtr user_;
  std::string manager_;
};

}  // namespace

std::unique_ptr<client::Client> newLocalClient(Backend& backend, UserPtr user, std::string manager) {
  return client::countRequestsOf(std::make_unique<LocalClient>(backend, std::move(user), std::move(manager)), "local");
}

}  // namespace wherry::apiserver
