#include "controllers/controller_revision.h"

#include <algorithm>
#include <tuple>

#include "controllers/name_hash.h"
#include "controllers/ownership.h"

namespace wherry::controllers {

using apps_v1::ControllerRevision;
using core_v1::PodTemplateSpec;

json::Value revisionData(const PodTemplateSpec& podTemplate) {
  json::Object replaced = podTemplate.tree();
  replaced["$patch"] = "replace";
  return json::Object{{"spec", json::Object{{"template", std::move(replaced)}}}};
}

json::Value templateOf(const ControllerRevision& revision) {
  const auto* podTemplate = revision.data() ? json::find(*revision.data(), "spec.template") : nullptr;
  json::Object copy = podTemplate && podTemplate->is_object() ? podTemplate->get_object() : json::Object();
  copy.erase("$patch");
  return copy;
}

void sortRevisions(std::vector<ControllerRevision>& revisions) {
  const auto rank = [](const ControllerRevision& revision) {
    return std::tuple(revision.revision(), revision.metadata().creationTimestamp(), revision.metadata().name());
  };
  std::sort(revisions.begin(), revisions.end(), [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
}

WantedRevision decideRevision(const json::Value& data, const std::vector<ControllerRevision>& revisions) {
  const auto same = std::find_if(revisions.rbegin(), revisions.rend(), [&](const ControllerRevision& revision) {
    return revision.data() && json::equal(*revision.data(), data);
  });
  const int64_t newest = revisions.empty() ? 0 : revisions.back().revision();
  if (same == revisions.rend()) return {std::nullopt, newest + 1};
  return {*same, same == revisions.rbegin() ? newest : newest + 1};
}

json::Value newRevision(const meta::Object& owner, const PodTemplateSpec& podTemplate, int64_t number,
                        int64_t collisionCount, std::string_view hashLabel) {
  const auto ownerMetadata = owner.metadata();
  json::Value data = revisionData(podTemplate);
  std::string text = json::serialize(data);
  if (collisionCount > 0) text += '#' + std::to_string(collisionCount);
  const std::string hash = nameHash(text);
  json::Object labels = podTemplate.metadata().labels().tree();
  labels[hashLabel] = hash;
  return json::Object{{"apiVersion", "apps/v1"},
                      {"kind", "ControllerRevision"},
                      {"metadata", json::Object{{"name", std::string(ownerMetadata.name()) + "-" + hash},
                                                {"namespace", ownerMetadata.ns()},
                                                {"labels", std::move(labels)},
                                                {"annotations", ownerMetadata.annotations()},
                                                {"ownerReferences", json::Array{meta::controllerReference(owner)}}}},
                      {"data", std::move(data)},
                      {"revision", number}};
}

std::vector<ControllerRevision> decideRevisionCleanup(const std::vector<ControllerRevision>& revisions,
                                                      const std::set<std::string, std::less<>>& used, int64_t limit) {
  std::vector<ControllerRevision> history;
  std::copy_if(revisions.begin(), revisions.end(), std::back_inserter(history),
               [&](const ControllerRevision& revision) { return !used.contains(revision.metadata().name()); });
  const auto kept = static_cast<size_t>(std::max<int64_t>(limit, 0));
  history.resize(history.size() > kept ? history.size() - kept : 0);
  return history;
}

namespace {

ControllerRevision renumber(client::Client& client, const ControllerRevision& revision, int64_t number) {
  const json::Value patch = json::Object{{"revision", number}};
  return ControllerRevision(client.patch(ControllerRevision::kResource(), revision.metadata().ns(),
                                         revision.metadata().name(), client::PatchType::kMerge, patch));
}

// Another's object of the same name, or our own that the cache did not show.
std::optional<ControllerRevision> findOurs(client::Client& client, const meta::Object& owner,
                                           const json::Value& wanted) {
  ControllerRevision there(
      client.get(ControllerRevision::kResource(), owner.metadata().ns(), json::getString(wanted, "metadata.name")));
  const bool ours = controllerUid(*there.object()) == owner.metadata().uid() && there.data() &&
                    json::equal(*there.data(), *json::find(wanted, "data"));
  return ours ? std::optional(there) : std::nullopt;
}

ControllerRevision createRevision(client::Client& client, const meta::Object& owner, const PodTemplateSpec& podTemplate,
                                  int64_t number, int64_t& collisionCount, std::string_view hashLabel) {
  for (;; ++collisionCount) {
    const json::Value wanted = newRevision(owner, podTemplate, number, collisionCount, hashLabel);
    try {
      return ControllerRevision(client.create(ControllerRevision::kResource(), owner.metadata().ns(), wanted));
    } catch (const meta::StatusError& error) {
      if (!error.isAlreadyExists()) throw;
    }
    if (auto ours = findOurs(client, owner, wanted)) return *ours;
  }
}

}  // namespace

ControllerRevision applyRevision(client::Client& client, const meta::Object& owner, const PodTemplateSpec& podTemplate,
                                 std::vector<ControllerRevision>& revisions, int64_t& collisionCount,
                                 client::OwnWrites& writes, std::string_view hashLabel) {
  const auto wanted = decideRevision(revisionData(podTemplate), revisions);
  if (wanted.existing && wanted.existing->revision() == wanted.number) return *wanted.existing;
  const auto written = wanted.existing
                           ? renumber(client, *wanted.existing, wanted.number)
                           : createRevision(client, owner, podTemplate, wanted.number, collisionCount, hashLabel);
  writes.wrote(owner.key().text(), *written.object());
  std::erase_if(revisions, [&](const ControllerRevision& revision) {
    return revision.metadata().name() == written.metadata().name();
  });
  revisions.push_back(written);
  return written;
}

}  // namespace wherry::controllers
