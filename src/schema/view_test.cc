#include "schema/view.h"

#include <gtest/gtest.h>

#include "json/yaml.h"
#include "views/admissionregistration_v1.h"
#include "views/apiextensions_v1.h"
#include "views/apiregistration_v1.h"
#include "views/apps_v1.h"
#include "views/authentication_v1.h"
#include "views/authorization_v1.h"
#include "views/autoscaling_v1.h"
#include "views/autoscaling_v2.h"
#include "views/batch_v1.h"
#include "views/certificates_v1.h"
#include "views/coordination_v1.h"
#include "views/core_v1.h"
#include "views/discovery_v1.h"
#include "views/events_v1.h"
#include "views/flowcontrol_v1.h"
#include "views/meta_v1.h"
#include "views/networking_v1.h"
#include "views/node_v1.h"
#include "views/policy_v1.h"
#include "views/rbac_v1.h"
#include "views/resource_v1.h"
#include "views/scheduling_v1.h"
#include "views/storage_v1.h"

namespace wherry {
namespace {

meta::ObjectPtr objectOf(std::string_view yaml) { return std::make_shared<meta::Object>(json::parseYaml(yaml)); }

TEST(View, ReadsAPodAsThePathIsSpelled) {
  core_v1::Pod pod(objectOf(R"(
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  nodeName: n1
  hostNetwork: true
  nodeSelector: {disk: ssd}
  containers:
  - name: nginx
    image: nginx:1
    args: [-g, daemon off;]
    ports: [{containerPort: 80, name: http}]
    resources: {limits: {cpu: 500m}}
  - {name: side, image: busybox}
)"));
  EXPECT_EQ(pod.metadata().name(), "web");
  EXPECT_EQ(pod.key().text(), "shop/web");
  EXPECT_EQ(pod.spec().nodeName(), "n1");
  EXPECT_TRUE(pod.spec().hostNetwork());
  EXPECT_EQ(pod.spec().nodeSelector().get("disk"), "ssd");
  ASSERT_EQ(pod.spec().containers().size(), 2U);
  core_v1::Container nginx = pod.spec().containers()[0];
  EXPECT_EQ(nginx.args()[1], "daemon off;");
  EXPECT_EQ(nginx.ports()[0].containerPort(), 80);
  EXPECT_EQ(nginx.resources().limits().get("cpu"), "500m");
  std::string names;
  for (auto container : pod.spec().containers()) names += std::string(container.name()) + " ";
  EXPECT_EQ(names, "nginx side ");
}

TEST(View, AnswersEmptyForWhatIsMissing) {
  core_v1::Pod pod(objectOf("{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: null}"));
  EXPECT_FALSE(pod.spec());
  EXPECT_FALSE(pod.spec().hasTerminationGracePeriodSeconds());
  EXPECT_EQ(pod.spec().terminationGracePeriodSecondsOr(30), 30);
  EXPECT_TRUE(pod.spec().enableServiceLinksOr(true));
  EXPECT_TRUE(pod.spec().containers().empty());
  EXPECT_FALSE(pod.spec().securityContext().seccompProfile());
  EXPECT_FALSE(core_v1::Pod());
}

TEST(View, NamesTheResourceOfAKind) {
  EXPECT_EQ(apps_v1::Deployment::kResource().path("shop", "web"), "/apis/apps/v1/namespaces/shop/deployments/web");
  EXPECT_EQ(core_v1::Node::kResource().path("", "n1"), "/api/v1/nodes/n1");
}

TEST(View, PutsAnUnderscoreAfterAKeyword) {
  apps_v1::Deployment deployment(objectOf(R"(
metadata: {name: web}
spec: {replicas: 3, template: {metadata: {labels: {app: web}}, spec: {restartPolicy: Always}}}
)"));
  EXPECT_EQ(deployment.spec().template_().metadata().labels().get("app"), "web");
  EXPECT_EQ(deployment.spec().template_().spec().restartPolicy(), "Always");
}

TEST(View, LeavesUntypedFieldsAsTheyAre) {
  core_v1::Service service(objectOf("{metadata: {name: a}, spec: {ports: [{port: 80, targetPort: http}]}}"));
  EXPECT_EQ(json::serialize(*service.spec().ports()[0].targetPort()), "\"http\"");
  EXPECT_EQ(service.spec().ports()[0].name(), "");
}

}  // namespace
}  // namespace wherry
