#include "apiserver/authorization/role_keeper.h"

#include <future>
#include <vector>

#include "apiserver/authorization/default_roles.h"
#include "apiserver/object_deleter.h"
#include "apiserver/object_store.h"
#include "apiserver/object_writer.h"
#include "base/log.h"

namespace wherry::apiserver {
namespace {

const base::Log& log() {
  static const base::Log kLog("apiserver");
  return kLog;
}

using Outcome = std::future<std::optional<meta::StatusError>>;

// Starts a write; the outcome is there once it is durable.
template <typename Start>
Outcome begin(Start start) {
  auto promise = std::make_shared<std::promise<std::optional<meta::StatusError>>>();
  auto outcome = promise->get_future();
  start([promise](const Written& written) { promise->set_value(written.error); });
  return outcome;
}

void await(Outcome outcome) {
  if (auto error = outcome.get()) throw meta::StatusError(*error);
}

// What a user's objects stand in the way of (a finalizer, say) keeps no server from starting; a store that can't be
// written does.
template <typename F>
void tolerateRefusals(F&& f) {
  try {
    f();
  } catch (const meta::StatusError& error) {
    if (error.code() >= 500) throw;
    log().warn("a default role could not be brought up to date: {}", error.message());
  }
}

class RoleKeeper {
 public:
  RoleKeeper(Backend& backend, const UserPtr& user) : backend_(backend), user_(user) {}

  void ensure(const BootstrapObject& wanted) {
    auto context = contextOf(wanted);
    auto entry = backend_.store.newest(keyOf(context));
    if (!entry) return create(context, wanted);
    auto stored = readTree(*context.kind, entry);
    if (bindsAnotherRole(stored, wanted.object)) {
      await(begin([&](OnWritten done) { deleteObject(backend_, context, {}, std::move(done)); }));
      return create(context, wanted);
    }
    if (!reconciledRole(stored, wanted.object)) return;
    Change change;
    change.next = [object = wanted.object](const json::Value* now) {
      return reconciledRole(*now, object).value_or(*now);
    };
    outcomes_.push_back(begin([&](OnWritten done) { updateObject(backend_, context, change, std::move(done)); }));
  }

  void awaitAll() {
    for (auto& outcome : outcomes_) {
      tolerateRefusals([&] { await(std::move(outcome)); });
    }
  }

 private:
  WriteContext contextOf(const BootstrapObject& wanted) const {
    const auto& resource = wanted.resource;
    WriteContext context;
    context.kind = backend_.kinds()->findResource(resource.group, resource.version, resource.resource);
    context.ns = wanted.ns;
    context.name = wanted.name();
    context.user = user_;
    context.fieldManager = "apiserver";
    return context;
  }

  void create(const WriteContext& context, const BootstrapObject& wanted) {
    outcomes_.push_back(
        begin([&](OnWritten done) { createObject(backend_, context, wanted.object, std::move(done)); }));
  }

  Backend& backend_;
  UserPtr user_;
  std::vector<Outcome> outcomes_;
};

}  // namespace

void ensureDefaultRoles(Backend& backend, const UserPtr& user) {
  RoleKeeper keeper(backend, user);
  for (const auto& wanted : defaultRoles()) {
    tolerateRefusals([&] { keeper.ensure(wanted); });
  }
  keeper.awaitAll();
}

}  // namespace wherry::apiserver
