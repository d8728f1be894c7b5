#include "kubelet/static/static_manifest.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::kubelet {
namespace {

constexpr std::string_view kWeb = R"(
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {containers: [{name: nginx, image: 'nginx:1'}]}
)";

StaticManifest web() { return readStaticManifest(kWeb, "/etc/pods/web.yaml", "Boat"); }

// What is wrong with a pod whose spec has this beside its container.
std::string refusalOf(const std::string& text) {
  try {
    readStaticManifest(text, "/etc/pods/x", "boat");
    return "";
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}
std::string refusalOfSpec(std::string_view more) {
  return refusalOf(fmt::format(
      "{{apiVersion: v1, kind: Pod, metadata: {{name: x}}, spec: {{containers: [{{name: a, image: b}}], {}}}}}", more));
}
std::string refusalOfContainer(std::string_view more) {
  return refusalOf(fmt::format(
      "{{apiVersion: v1, kind: Pod, metadata: {{name: x}}, spec: {{containers: [{{name: a, image: b, {}}}]}}}}", more));
}

TEST(StaticManifest, IsAPodOfThisNode) {
  const auto manifest = web();
  EXPECT_EQ(manifest.key.text(), "default/web-boat");
  EXPECT_EQ(manifest.uid.size(), 36u);
  EXPECT_EQ(manifest.pod, json::parseYaml(fmt::format(R"(
apiVersion: v1
kind: Pod
metadata:
  name: web-boat
  labels: {{app: web}}
  namespace: default
  uid: {0}
  annotations: {{kubernetes.io/config.hash: {0}, kubernetes.io/config.source: file}}
spec:
  containers: [{{name: nginx, image: 'nginx:1'}}]
  nodeName: Boat
  tolerations: [{{operator: Exists, effect: NoExecute}}]
)",
                                                      manifest.uid)));
}

TEST(StaticManifest, AnotherPodOrFileIsAnotherUid) {
  EXPECT_EQ(web().uid, web().uid);
  EXPECT_EQ(web().uid, readStaticManifest(std::string(kWeb) + "# said twice\n", "/etc/pods/web.yaml", "Boat").uid);
  EXPECT_NE(web().uid, readStaticManifest(kWeb, "/etc/pods/other.yaml", "Boat").uid);
  EXPECT_NE(web().uid, readStaticManifest(kWeb, "/etc/pods/web.yaml", "ship").uid);
  std::string other(kWeb);
  other.replace(other.find("nginx:1"), 7, "nginx:2");
  EXPECT_NE(web().uid, readStaticManifest(other, "/etc/pods/web.yaml", "Boat").uid);
}

TEST(StaticManifest, MayBeJson) {
  EXPECT_EQ(readStaticManifest(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"b"},"spec":{}})",
                               "/x", "n")
                .key.text(),
            "b/a-n");
}

TEST(StaticManifest, IsOnePodThatNeedsNothingOfTheApi) {
  EXPECT_EQ(refusalOf("{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}}"), "it is not a Pod of v1");
  EXPECT_EQ(refusalOf("{apiVersion: v1, kind: Pod, metadata: {}, spec: {}}"), "metadata.name: Required value");
  EXPECT_EQ(refusalOf("{apiVersion: v1, kind: Pod, metadata: {name: x}}"), "spec: Required value");
  EXPECT_NE(refusalOf("{"), "");
  EXPECT_NE(refusalOf(std::string(kWeb) + "---" + std::string(kWeb)), "");
  EXPECT_EQ(refusalOfSpec("volumes: [{name: v, emptyDir: {}}]"), "");
  EXPECT_EQ(refusalOfSpec("serviceAccountName: a"), "static pods may not reference serviceaccounts");
  EXPECT_EQ(refusalOfSpec("imagePullSecrets: [{name: a}]"), "static pods may not reference secrets");
  EXPECT_EQ(refusalOfSpec("volumes: [{name: v, secret: {secretName: a}}]"), "static pods may not reference secrets");
  EXPECT_EQ(refusalOfSpec("volumes: [{name: v, csi: {driver: d, nodePublishSecretRef: {name: a}}}]"),
            "static pods may not reference secrets");
  EXPECT_EQ(refusalOfSpec("volumes: [{name: v, configMap: {name: a}}]"), "static pods may not reference configmaps");
  EXPECT_EQ(refusalOfSpec("volumes: [{name: v, persistentVolumeClaim: {claimName: a}}]"),
            "static pods may not reference persistentvolumeclaims");
  EXPECT_EQ(refusalOfSpec("volumes: [{name: v, projected: {sources: [{serviceAccountToken: {path: a}}]}}]"),
            "static pods may not reference serviceaccounts");
  EXPECT_EQ(refusalOfContainer("envFrom: [{secretRef: {name: a}}]"), "static pods may not reference secrets");
  EXPECT_EQ(refusalOfContainer("env: [{name: A, valueFrom: {configMapKeyRef: {name: a, key: b}}}]"),
            "static pods may not reference configmaps");
  EXPECT_EQ(refusalOfContainer("env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]"), "");
}

TEST(MirrorPod, SaysWhatItMirrorsAndWhoseItIs) {
  const auto manifest = web();
  const meta::Object node(json::parseYaml("{metadata: {name: Boat, uid: n1}}"));
  const auto mirror = mirrorPod(manifest, node, base::WallTime(std::chrono::seconds(1'767'225'600)));
  EXPECT_EQ(*json::find(mirror, "metadata"), json::parseYaml(fmt::format(R"(
name: web-boat
labels: {{app: web}}
namespace: default
annotations:
  kubernetes.io/config.hash: {0}
  kubernetes.io/config.source: file
  kubernetes.io/config.mirror: {0}
  kubernetes.io/config.seen: '2026-01-01T00:00:00.000000Z'
ownerReferences: [{{apiVersion: v1, kind: Node, name: Boat, uid: n1, controller: true}}]
)",
                                                                         manifest.uid)));
}

// "wanted": the file is there; "changed": it is, and says something else; "gone".
StaticPod podOf(std::string_view file) {
  StaticPod pod{.running = web()};
  if (file != "gone") pod.wanted = web();
  if (file == "changed") pod.wanted->uid = "other";
  return pod;
}

// The mirror as the API has it, `more` of its metadata; `spec` of its spec.
meta::Object mirrorOf(std::string_view more = "", std::string_view spec = "") {
  return meta::Object(json::parseYaml(fmt::format(
      "{{metadata: {{name: web-boat, annotations: {{kubernetes.io/config.mirror: {}}}{}}}, spec: {{nodeName: Boat, "
      "restartPolicy: Always, containers: [{{name: nginx, image: 'nginx:1', imagePullPolicy: Always}}], tolerations: "
      "[{{operator: Exists, effect: NoExecute}}, {{key: a}}]{}}}}}",
      web().uid, more, spec)));
}

TEST(PodShownBy, LivesOnThoughItsMirrorIsDeleted) {
  const auto manifest = web();
  json::Value deleted = manifest.pod;
  json::Object& metadata = meta::mutableMetadata(deleted);
  metadata["uid"] = "of-the-mirror";
  metadata["deletionTimestamp"] = "2026-11-26T21:00:00Z";
  metadata["deletionGracePeriodSeconds"] = 30;
  EXPECT_EQ(podShownBy(meta::Object(std::move(deleted)), manifest.uid)->tree(), manifest.pod);
}

TEST(DecideMirror, ShowsWhatRuns) {
  const auto mirror = mirrorOf();
  EXPECT_EQ(decideMirror(podOf("wanted"), nullptr), MirrorAction::kCreate);
  EXPECT_EQ(decideMirror(podOf("wanted"), &mirror), MirrorAction::kNone);
  EXPECT_EQ(decideMirror({}, nullptr), MirrorAction::kNone);
  EXPECT_EQ(decideMirror({}, &mirror), MirrorAction::kDelete) << "nothing runs: it mirrors nothing";
}

TEST(DecideMirror, OneThatIsBeingDeletedIsMadeAnew) {
  const auto deleting = mirrorOf(", deletionTimestamp: '2026-01-01T00:00:00Z'");
  EXPECT_EQ(decideMirror(podOf("wanted"), &deleting), MirrorAction::kDelete);
}

TEST(DecideMirror, EndsWithItsPod) {
  const auto mirror = mirrorOf(), deleting = mirrorOf(", deletionTimestamp: '2026-01-01T00:00:00Z'");
  for (const auto file : {"gone", "changed"}) {
    EXPECT_EQ(decideMirror(podOf(file), &mirror), MirrorAction::kEnd) << file;
    EXPECT_EQ(decideMirror(podOf(file), &deleting), MirrorAction::kNone) << file;
    EXPECT_EQ(decideMirror(podOf(file), nullptr), MirrorAction::kNone) << file;
  }
}

TEST(DecideMirror, OneThatSaysSomethingElseIsNone) {
  const meta::Object other(
      json::parseYaml("{metadata: {name: web-boat, annotations: {kubernetes.io/config.mirror: x}}, spec: {}}"));
  EXPECT_EQ(decideMirror(podOf("wanted"), &other), MirrorAction::kDelete);
  auto changed = mirrorOf().tree();
  changed.at("spec").at("containers").at(0).as_object()["image"] = "nginx:2";
  const meta::Object mirror(changed);
  EXPECT_EQ(decideMirror(podOf("wanted"), &mirror), MirrorAction::kDelete);
  auto pod = podOf("wanted");
  pod.made = mirrorOf().tree().at("spec");
  const auto same = mirrorOf(), more = mirrorOf("", ", activeDeadlineSeconds: 1");
  EXPECT_EQ(decideMirror(pod, &same), MirrorAction::kNone);
  EXPECT_EQ(decideMirror(pod, &more), MirrorAction::kDelete);
}

}  // namespace
}  // namespace wherry::kubelet
