// Every admission hook. Adding one: a file with its functions, a line here, and its name in the kind's YAML.
#include <algorithm>
#include <array>

#include "apiserver/admission/admission.h"
#include "apiserver/admission/hooks.h"

namespace wherry::apiserver {
namespace {

constexpr std::array kHooks = {
    AdmissionHook{"certificatesigningrequest", prepareCertificateSigningRequest, validateCertificateSigningRequest},
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
    AdmissionHook{"horizontalpodautoscaler", prepareHorizontalPodAutoscaler, validateHorizontalPodAutoscaler},
    AdmissionHook{"ingress", prepareIngress, validateIngress},
    AdmissionHook{"ingressclass", nullptr, validateIngressClass},
    AdmissionHook{"job", prepareJob, validateJob},
    AdmissionHook{"limitrange", prepareLimitRange, validateLimitRange},
    AdmissionHook{"namespace", prepareNamespace, nullptr},
    AdmissionHook{"networkpolicy", prepareNetworkPolicy, validateNetworkPolicy},
    AdmissionHook{"node", prepareNode, validateNode},
    AdmissionHook{"persistentvolume", nullptr, validatePersistentVolume},
    AdmissionHook{"persistentvolumeclaim", preparePersistentVolumeClaim, validatePersistentVolumeClaim},
    AdmissionHook{"pod", preparePod, validatePod},
    AdmissionHook{"poddisruptionbudget", nullptr, validatePodDisruptionBudget},
    AdmissionHook{"podtemplate", prepareTemplated, nullptr},
    AdmissionHook{"priorityclass", nullptr, validatePriorityClass},
    AdmissionHook{"quota", nullptr, nullptr, reserveQuota},
    AdmissionHook{"replicaset", prepareTemplated, validateSelected},
    AdmissionHook{"replicationcontroller", prepareReplicationController, validateReplicationController},
    AdmissionHook{"resourcequota", nullptr, validateResourceQuota},
    AdmissionHook{"role", nullptr, validateRole},
    AdmissionHook{"rolebinding", prepareRoleBinding, validateRoleBinding},
    AdmissionHook{"secret", prepareSecret, validateSecret},
    AdmissionHook{"service", prepareService, validateService, reserveService},
    AdmissionHook{"statefulset", prepareStatefulSet, validateStatefulSet},
    AdmissionHook{"storageclass", nullptr, validateStorageClass},
};

}  // namespace

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
