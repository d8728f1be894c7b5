#include "apiserver/authorization/node_references.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::apiserver {
namespace {

std::string describe(const PodReferences& pod) {
  return fmt::format("secrets[{}] configMaps[{}] claims[{}] resourceClaims[{}] {}", fmt::join(pod.secrets, " "),
                     fmt::join(pod.configMaps, " "), fmt::join(pod.claims, " "), fmt::join(pod.resourceClaims, " "),
                     pod.serviceAccount);
}

struct Case {
  const char* sentence;
  const char* pod;
  const char* references;
};

TEST(NodeReferences, AreWhatAPodNeeds) {
  const Case cases[] = {
      {"a plain pod needs nothing but its account", "{spec: {serviceAccountName: default, containers: [{name: c}]}}",
       "secrets[] configMaps[] claims[] resourceClaims[] default"},
      {"environment, one by one and as a whole",
       "{spec: {containers: [{env: [{valueFrom: {secretKeyRef: {name: s1, key: k}}}, {valueFrom: {configMapKeyRef: "
       "{name: c1}}}], "
       "envFrom: [{secretRef: {name: s2}}, {configMapRef: {name: c2}}]}]}}",
       "secrets[s1 s2] configMaps[c1 c2] claims[] resourceClaims[] "},
      {"of init and ephemeral containers too",
       "{spec: {initContainers: [{envFrom: [{secretRef: {name: i}}]}], ephemeralContainers: [{envFrom: [{secretRef: "
       "{name: "
       "e}}]}]}}",
       "secrets[i e] configMaps[] claims[] resourceClaims[] "},
      {"volumes",
       "{metadata: {name: p}, spec: {volumes: [{secret: {secretName: s}}, {configMap: {name: c}}, "
       "{persistentVolumeClaim: "
       "{claimName: d}}, {name: v, ephemeral: {}}, {csi: {driver: x, nodePublishSecretRef: {name: n}}}]}}",
       "secrets[s n] configMaps[c] claims[d p-v] resourceClaims[] "},
      {"a projected volume's parts",
       "{spec: {volumes: [{projected: {sources: [{secret: {name: s}}, {configMap: {name: c}}]}}]}}",
       "secrets[s] configMaps[c] claims[] resourceClaims[] "},
      {"pull secrets and devices",
       "{spec: {imagePullSecrets: [{name: s}], resourceClaims: [{name: a, resourceClaimName: r}]}, status: "
       "{resourceClaimStatuses: [{name: b, resourceClaimName: made}]}}",
       "secrets[s] configMaps[] claims[] resourceClaims[r made] "},
      {"a mirror pod leads nowhere",
       "{metadata: {annotations: {kubernetes.io/config.mirror: x}}, spec: {serviceAccountName: a, volumes: [{secret: "
       "{secretName: s}}]}}",
       "secrets[] configMaps[] claims[] resourceClaims[] "},
      {"labels and selectors name nothing", "{spec: {nodeSelector: {secretRef: s}, containers: []}}",
       "secrets[] configMaps[] claims[] resourceClaims[] "},
  };
  for (const auto& [sentence, pod, references] : cases) {
    EXPECT_EQ(describe(readPodReferences(json::parseYaml(pod))), references) << sentence;
  }
}

TEST(NodeReferences, OfAVolumeAreItsDriversSecrets) {
  auto secrets = readVolumeSecrets(json::parseYaml(
      "{spec: {csi: {nodeStageSecretRef: {name: a, namespace: n}, nodePublishSecretRef: {name: b, namespace: n}}}}"));
  ASSERT_EQ(secrets.size(), 2U);
  EXPECT_EQ(secrets[0].name, "a");
  EXPECT_EQ(secrets[1].ns, "n");
  EXPECT_TRUE(readVolumeSecrets(json::parseYaml("{spec: {hostPath: {path: /x}}}")).empty());
}

}  // namespace
}  // namespace wherry::apiserver
