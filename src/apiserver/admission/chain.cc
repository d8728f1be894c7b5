// Every admission hook, in order: first the rules of the kind, then the plugins that concern it, as upstream orders its
// own. (ServiceAccount, LimitRanger, Priority and DefaultTolerationSeconds are parts of the rules of pods, pod.cc;
// DefaultStorageClass of claims, storage.cc; DefaultIngressClass of Ingresses, ingress.cc; NamespaceLifecycle stands in
// object_writer.cc and deletion.cc.)
//
// Adding one: a file with its functions and a line here; the rules of a kind are also named in its YAML.
#include <algorithm>
#include <array>

#include "apiserver/admission/admission.h"
#include "apiserver/admission/hooks.h"

namespace wherry::apiserver {
namespace {

constexpr std::array kHooks = {
    AdmissionHook{"backendtlspolicy", nullptr, validateBackendTlsPolicy},
    AdmissionHook{"certificatesigningrequest", prepareCertificateSigningRequest, validateCertificateSigningRequest,
                  nullptr, restrictCertificateSubject},
    AdmissionHook{"clusterrole", nullptr, validateClusterRole},
    AdmissionHook{"clusterrolebinding", prepareRoleBinding, validateClusterRoleBinding},
    AdmissionHook{"configmap", nullptr, validateConfigMap},
    AdmissionHook{"cronjob", prepareCronJob, validateCronJob},
    AdmissionHook{"customresourcedefinition", prepareCustomResourceDefinition, validateCustomResourceDefinition},
    AdmissionHook{"daemonset", prepareDaemonSet, validateDaemonSet},
    AdmissionHook{"deployment", prepareDeployment, validateDeployment},
    AdmissionHook{"endpoints", nullptr, validateEndpoints},
    AdmissionHook{"endpointslice", nullptr, validateEndpointSlice},
    AdmissionHook{"event", nullptr, validateEvent},
    AdmissionHook{"gateway", nullptr, validateGateway},
    AdmissionHook{"grpcroute", nullptr, validateGrpcRoute},
    AdmissionHook{"horizontalpodautoscaler", prepareHorizontalPodAutoscaler, validateHorizontalPodAutoscaler},
    AdmissionHook{"httproute", nullptr, validateHttpRoute},
    AdmissionHook{"ingress", prepareIngress, validateIngress},
    AdmissionHook{"ingressclass", nullptr, validateIngressClass},
    AdmissionHook{"job", prepareJob, validateJob},
    AdmissionHook{"limitrange", prepareLimitRange, validateLimitRange},
    AdmissionHook{"namespace", prepareNamespace, validateNamespace},
    AdmissionHook{"networkpolicy", prepareNetworkPolicy, validateNetworkPolicy},
    AdmissionHook{"node", prepareNode, validateNode},
    AdmissionHook{"persistentvolume", preparePersistentVolume, validatePersistentVolume},
    AdmissionHook{"persistentvolumeclaim", preparePersistentVolumeClaim, validatePersistentVolumeClaim},
    AdmissionHook{"pod", preparePod, validatePod},
    AdmissionHook{"poddisruptionbudget", nullptr, validatePodDisruptionBudget},
    AdmissionHook{"podtemplate", prepareTemplated, nullptr},
    AdmissionHook{"priorityclass", nullptr, validatePriorityClass},
    AdmissionHook{"replicaset", prepareTemplated, validateSelected},
    AdmissionHook{"replicationcontroller", prepareReplicationController, validateReplicationController},
    AdmissionHook{"resourcequota", prepareResourceQuota, validateResourceQuota},
    AdmissionHook{"role", nullptr, validateRole},
    AdmissionHook{"rolebinding", prepareRoleBinding, validateRoleBinding},
    AdmissionHook{"secret", prepareSecret, validateSecret},
    AdmissionHook{"service", prepareService, validateService, reserveService},
    AdmissionHook{"statefulset", prepareStatefulSet, validateStatefulSet},
    AdmissionHook{"storageclass", nullptr, validateStorageClass},
    AdmissionHook{"tlsroute", nullptr, validateTlsRoute},
};

bool isPod(const schema::Kind& kind) { return kind.resource.group.empty() && kind.resource.resource == "pods"; }

bool isPodOrNamespace(const schema::Kind& kind) {
  return describesPods(kind) || (kind.resource.group.empty() && kind.resource.resource == "namespaces");
}

bool isNamespaced(const schema::Kind& kind) { return kind.resource.scope == meta::Scope::kNamespaced; }

struct Plugin {
  AdmissionHook hook;
  bool (*concerns)(const schema::Kind&);
};

constexpr std::array kPlugins = {
    Plugin{{"RuntimeClass", prepareRuntimeClass, nullptr}, isPod},
    Plugin{{"PodSecurity", nullptr, nullptr, nullptr, checkPodSecurity}, isPodOrNamespace},
    Plugin{{"ResourceQuota", releaseQuota, nullptr, reserveQuota}, isNamespaced},
};

}  // namespace

std::vector<const AdmissionHook*> admissionChain(const schema::Kind& kind) {
  std::vector<const AdmissionHook*> chain;
  for (const std::string& name : kind.hooks) {
    if (const AdmissionHook* hook = findHook(name)) chain.push_back(hook);
  }
  for (const Plugin& plugin : kPlugins) {
    if (plugin.concerns(kind)) chain.push_back(&plugin.hook);
  }
  return chain;
}

const AdmissionHook* findHook(std::string_view name) {
  auto at = std::find_if(kHooks.begin(), kHooks.end(), [&](const AdmissionHook& hook) { return hook.name == name; });
  return at == kHooks.end() ? nullptr : &*at;
}

std::vector<std::string_view> hookNames() {
  std::vector<std::string_view> names;
  for (const AdmissionHook& hook : kHooks) names.push_back(hook.name);
  return names;
}

}  // namespace wherry::apiserver
