#include <gtest/gtest.h>

#include "controllers/garbage_collector.h"
#include "controllers/object_graph.h"
#include "controllers/test_objects.h"

namespace wherry::controllers {
namespace {

using Kind = DependentAction::Kind;

TEST(DecideDependent, DependsOnWhatBecameOfTheOwners) {
  const auto object = objectOf("{metadata: {name: a, uid: u}}");
  struct Case {
    std::string_view name;
    std::vector<OwnerFinding> owners;
    Dependents dependents;
    Kind expected;
    client::Propagation propagation = client::Propagation::kBackground;
  } const cases[] = {
      {"no owners, nothing to do", {}, Dependents::kNone, Kind::kNothing},
      {"an owner that is there keeps it", {{"o", OwnerState::kSolid}}, Dependents::kNone, Kind::kNothing},
      {"its only owner is gone", {{"o", OwnerState::kDangling}}, Dependents::kNone, Kind::kDelete},
      {"one of two owners is gone",
       {{"o", OwnerState::kSolid}, {"p", OwnerState::kDangling}},
       Dependents::kNone,
       Kind::kDropOwners},
      {"its owner waits for it", {{"o", OwnerState::kWaiting}}, Dependents::kNone, Kind::kDelete},
      {"its owner waits for it and it has dependents of its own",
       {{"o", OwnerState::kWaiting}},
       Dependents::kSome,
       Kind::kDelete,
       client::Propagation::kForeground},
  };
  for (const auto& test : cases) {
    const auto action = decideDependent(*object, test.owners, test.dependents);
    EXPECT_EQ(action.kind, test.expected) << test.name;
    EXPECT_EQ(action.propagation, test.propagation) << test.name;
  }
}

TEST(DecideDependent, AnObjectThatOrphansKeepsDoingSo) {
  const auto object = objectOf("{metadata: {name: a, uid: u, finalizers: [orphan]}}");
  EXPECT_EQ(decideDependent(*object, {{"o", OwnerState::kDangling}}, Dependents::kNone).propagation,
            client::Propagation::kOrphan);
}

TEST(WithoutOwners, NamesTheVersionItWasMadeFrom) {
  const auto object = objectOf(
      "{metadata: {name: a, uid: u, resourceVersion: '7', ownerReferences: [{uid: o, name: x}, {uid: p, name: y}]}}");
  EXPECT_TRUE(
      json::equal(withoutOwners(*object, {"o"}),
                  json::parseYaml("{metadata: {uid: u, resourceVersion: '7', ownerReferences: [{uid: p, name: y}]}}")));
}

TEST(ObjectGraph, KnowsWhoOwnsWhat) {
  const meta::Resource pods{"", "v1", "pods", "Pod", meta::Scope::kNamespaced};
  ObjectGraph graph;
  const auto owner = objectOf("{metadata: {name: web, namespace: a, uid: 6a1f0a4e-5f0e-4a6d-9f43-3f1c8f0b9a01}}");
  const auto child = objectOf(
      "{metadata: {name: web-1, namespace: a, uid: c, ownerReferences: [{uid: 6a1f0a4e-5f0e-4a6d-9f43-3f1c8f0b9a01, "
      "blockOwnerDeletion: true}]}}");
  graph.put(pods, *child);
  graph.put(pods, *owner);
  const Uid ownerUid = Uid::of(owner->metadata().uid());
  EXPECT_EQ(graph.dependentsOf(ownerUid), std::vector<Uid>{Uid::of("c")});
  EXPECT_TRUE(graph.find(Uid::of("c"))->owners[0].blocksDeletion);
  graph.put(pods, *objectOf("{metadata: {name: web-1, namespace: a, uid: c}}"));
  EXPECT_FALSE(graph.hasDependents(ownerUid));
  EXPECT_EQ(graph.remove(ownerUid)->name, "web");
  EXPECT_EQ(graph.find(ownerUid), nullptr);
  EXPECT_EQ(Uid::ofText(ownerUid.text()), ownerUid);
}

}  // namespace
}  // namespace wherry::controllers
