#include "client/own_writes.h"

#include <algorithm>

namespace wherry::client {

namespace {

bool showsRemoval(const Informer& informer, const meta::ObjectKey& key, const std::string& uid) {
  const auto object = informer.get(key);
  return !object || object->metadata().uid() != uid || object->metadata().deleting();
}

}  // namespace

void OwnWrites::wrote(const std::string& key, const meta::Object& written) {
  pending_.with([&](auto& pending) {
    int64_t& revision = pending[key].revision;
    revision = std::max(revision, written.revision());
  });
}

void OwnWrites::removed(const std::string& key, const meta::Object& before) {
  pending_.with([&](auto& pending) { pending[key].uids[before.key()] = before.metadata().uid(); });
}

bool OwnWrites::visible(const std::string& key, const Informer& informer) {
  return pending_.with([&](auto& pending) {
    const auto found = pending.find(key);
    if (found == pending.end()) return true;
    if (informer.revision() < found->second.revision) return false;
    std::erase_if(found->second.uids,
                  [&](const auto& removed) { return showsRemoval(informer, removed.first, removed.second); });
    if (!found->second.uids.empty()) return false;
    pending.erase(found);
    return true;
  });
}

void OwnWrites::forget(const std::string& key) {
  pending_.with([&](auto& pending) { pending.erase(key); });
}

}  // namespace wherry::client
