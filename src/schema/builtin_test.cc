#include <gtest/gtest.h>

#include "schema/kind.h"

namespace wherry::schema {
namespace {

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : " ") + part;
  return text;
}

TEST(BuiltinRegistry, ServesEveryKindOfTheGroups) {
  std::map<std::string, std::string> resources;
  for (const KindPtr& kind : builtinRegistry()->kinds()) {
    std::string& list = resources[kind->resource.apiVersion()];
    list += (list.empty() ? "" : " ") + kind->resource.resource;
  }
  EXPECT_EQ(
      resources["v1"],
      "bindings componentstatuses configmaps endpoints events limitranges namespaces nodes persistentvolumeclaims "
      "persistentvolumes pods podtemplates replicationcontrollers resourcequotas secrets serviceaccounts services");
  EXPECT_EQ(resources["apps/v1"], "controllerrevisions daemonsets deployments replicasets statefulsets");
  EXPECT_EQ(resources["batch/v1"], "cronjobs jobs");
  EXPECT_EQ(resources["networking.k8s.io/v1"], "ingressclasses ingresses ipaddresses networkpolicies servicecidrs");
  EXPECT_EQ(resources["discovery.k8s.io/v1"], "endpointslices");
  EXPECT_EQ(resources["coordination.k8s.io/v1"], "leases");
  EXPECT_EQ(resources["rbac.authorization.k8s.io/v1"], "clusterrolebindings clusterroles rolebindings roles");
  EXPECT_EQ(resources["storage.k8s.io/v1"],
            "csidrivers csinodes csistoragecapacities storageclasses volumeattachments volumeattributesclasses");
  EXPECT_EQ(resources["policy/v1"], "poddisruptionbudgets");
  EXPECT_EQ(resources["autoscaling/v1"], "horizontalpodautoscalers");
  EXPECT_EQ(resources["autoscaling/v2"], "horizontalpodautoscalers");
  EXPECT_EQ(resources["scheduling.k8s.io/v1"], "priorityclasses");
  EXPECT_EQ(resources["events.k8s.io/v1"], "events");
  EXPECT_EQ(resources["node.k8s.io/v1"], "runtimeclasses");
  EXPECT_EQ(resources["authentication.k8s.io/v1"], "selfsubjectreviews tokenreviews");
  EXPECT_EQ(resources["authorization.k8s.io/v1"],
            "localsubjectaccessreviews selfsubjectaccessreviews selfsubjectrulesreviews subjectaccessreviews");
  EXPECT_EQ(resources["apiextensions.k8s.io/v1"], "customresourcedefinitions");
  EXPECT_EQ(resources["admissionregistration.k8s.io/v1"],
            "mutatingadmissionpolicies mutatingadmissionpolicybindings mutatingwebhookconfigurations "
            "validatingadmissionpolicies validatingadmissionpolicybindings validatingwebhookconfigurations");
  EXPECT_EQ(resources["certificates.k8s.io/v1"], "certificatesigningrequests");
}

TEST(BuiltinRegistry, GivesStoredKindsAllVerbs) {
  for (const KindPtr& kind : builtinRegistry()->kinds()) {
    const std::string& resource = kind->resource.resource;
    if (kind->virtualKind) continue;
    std::string all = "create delete deletecollection get list patch update watch";
    if (resource == "namespaces") all = "create delete get list patch update watch";
    EXPECT_EQ(joined(kind->verbs), all) << resource;
    EXPECT_EQ(kind->listKind, kind->resource.kind + "List");
  }
}

TEST(BuiltinRegistry, KnowsTheSubresourcesAndTheirKinds) {
  KindPtr pods = builtinRegistry()->findResource("", "v1", "pods");
  std::string names;
  for (const Subresource& subresource : pods->subresources) names += subresource.name + " ";
  EXPECT_EQ(names, "attach binding ephemeralcontainers eviction exec log portforward proxy resize status ");
  EXPECT_EQ(pods->findSubresource("eviction")->kind, (meta::GroupVersionKind{"policy", "v1", "Eviction"}));
  EXPECT_EQ(pods->findSubresource("status")->kind, (meta::GroupVersionKind{"", "", "Pod"}));
  KindPtr scale = builtinRegistry()->findKind({"autoscaling", "v1", "Scale"});
  ASSERT_TRUE(scale);
  EXPECT_TRUE(scale->virtualKind);
  EXPECT_EQ(scale->resource.resource, "");
}

TEST(BuiltinRegistry, ComputesTheStorageVersionHashAsUpstreamDoes) {
  EXPECT_EQ(builtinRegistry()->findResource("apps", "v1", "controllerrevisions")->storageVersionHash, "85nkx63pcBU=");
  EXPECT_EQ(builtinRegistry()->findResource("", "v1", "configmaps")->storageVersionHash, "qFsyl6wFWjQ=");
  EXPECT_EQ(builtinRegistry()->findResource("events.k8s.io", "v1", "events")->storageVersionHash,
            builtinRegistry()->findResource("", "v1", "events")->storageVersionHash);
  EXPECT_EQ(builtinRegistry()->findResource("autoscaling", "v1", "horizontalpodautoscalers")->storageVersionHash,
            "qwQve8ut294=");
}

TEST(BuiltinRegistry, SaysOfEveryStoredKindWhatItIsAndHowItIsShown) {
  for (const KindPtr& kind : builtinRegistry()->kinds()) {
    EXPECT_FALSE(kind->schema->description.empty()) << kind->resource.resource;
    EXPECT_TRUE(kind->virtualKind || !kind->columns.empty()) << kind->resource.resource;
  }
}

TEST(BuiltinRegistry, SharesAStructBetweenItsPlaces) {
  NodePtr podSpec = builtinRegistry()->findDefinition("io.k8s.api.core.v1.PodSpec");
  ASSERT_TRUE(podSpec);
  EXPECT_EQ(podSpec->property("containers")->items, podSpec->property("initContainers")->items);
  EXPECT_EQ(podSpec->property("containers")->patchMergeKey, "name");
  NodePtr schemaProps =
      builtinRegistry()->findDefinition("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps");
  EXPECT_EQ(schemaProps->property("not"), schemaProps.get());
}

}  // namespace
}  // namespace wherry::schema
