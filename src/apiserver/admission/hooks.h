// The admission hooks, as chain.cc lists them: what each kind's rules are beyond its schema. One file a topic.
#pragma once

#include "apiserver/admission/admission.h"

namespace wherry::apiserver {

// certificate_signing_request.cc
void prepareCertificateSigningRequest(AdmissionRequest& request);
void validateCertificateSigningRequest(const AdmissionRequest& request, meta::FieldErrors& errors);
// Upstream's CertificateSubjectRestriction: nobody gets to be a master by a certificate.
void restrictCertificateSubject(AdmissionRequest& request);

// config_data.cc
void validateConfigMap(const AdmissionRequest& request, meta::FieldErrors& errors);
void prepareSecret(AdmissionRequest& request);
void validateSecret(const AdmissionRequest& request, meta::FieldErrors& errors);

// custom_resource_definition.cc
void prepareCustomResourceDefinition(AdmissionRequest& request);
void validateCustomResourceDefinition(const AdmissionRequest& request, meta::FieldErrors& errors);

// endpoints.cc
void validateEndpoints(const AdmissionRequest& request, meta::FieldErrors& errors);
void validateEndpointSlice(const AdmissionRequest& request, meta::FieldErrors& errors);

// event.cc
void validateEvent(const AdmissionRequest& request, meta::FieldErrors& errors);

// gateway.cc, gateway_routes.cc, gateway_filters.cc, gateway_policies.cc
void validateGateway(const AdmissionRequest& request, meta::FieldErrors& errors);
void validateHttpRoute(const AdmissionRequest& request, meta::FieldErrors& errors);
void validateGrpcRoute(const AdmissionRequest& request, meta::FieldErrors& errors);
void validateTlsRoute(const AdmissionRequest& request, meta::FieldErrors& errors);
void validateBackendTlsPolicy(const AdmissionRequest& request, meta::FieldErrors& errors);

// ingress.cc
void prepareIngress(AdmissionRequest& request);
void validateIngress(const AdmissionRequest& request, meta::FieldErrors& errors);
void validateIngressClass(const AdmissionRequest& request, meta::FieldErrors& errors);

// jobs.cc
void prepareJob(AdmissionRequest& request);
void validateJob(const AdmissionRequest& request, meta::FieldErrors& errors);
void prepareCronJob(AdmissionRequest& request);
void validateCronJob(const AdmissionRequest& request, meta::FieldErrors& errors);

// limit_range.cc
void prepareLimitRange(AdmissionRequest& request);
void validateLimitRange(const AdmissionRequest& request, meta::FieldErrors& errors);

// namespace.cc
void prepareNamespace(AdmissionRequest& request);

// pod_security_admission.cc: pods, what describes pods, and namespaces
bool describesPods(const schema::Kind& kind);
void checkPodSecurity(AdmissionRequest& request);
void validateNamespace(const AdmissionRequest& request, meta::FieldErrors& errors);

// network_policy.cc
void prepareNetworkPolicy(AdmissionRequest& request);
void validateNetworkPolicy(const AdmissionRequest& request, meta::FieldErrors& errors);

// node.cc
void prepareNode(AdmissionRequest& request);
void validateNode(const AdmissionRequest& request, meta::FieldErrors& errors);

// pod.cc
void preparePod(AdmissionRequest& request);
void validatePod(const AdmissionRequest& request, meta::FieldErrors& errors);

// policies.cc, autoscaler.cc
void prepareHorizontalPodAutoscaler(AdmissionRequest& request);
void validateHorizontalPodAutoscaler(const AdmissionRequest& request, meta::FieldErrors& errors);
void validatePodDisruptionBudget(const AdmissionRequest& request, meta::FieldErrors& errors);
void validatePriorityClass(const AdmissionRequest& request, meta::FieldErrors& errors);

// quota.cc; the first two are for every kind that a ResourceQuota may count
void releaseQuota(AdmissionRequest& request);
void reserveQuota(AdmissionRequest& request);
void prepareResourceQuota(AdmissionRequest& request);
void validateResourceQuota(const AdmissionRequest& request, meta::FieldErrors& errors);

// rbac.cc
void validateRole(const AdmissionRequest& request, meta::FieldErrors& errors);
void validateClusterRole(const AdmissionRequest& request, meta::FieldErrors& errors);
void prepareRoleBinding(AdmissionRequest& request);
void validateRoleBinding(const AdmissionRequest& request, meta::FieldErrors& errors);
void validateClusterRoleBinding(const AdmissionRequest& request, meta::FieldErrors& errors);

// runtime_class.cc
void prepareRuntimeClass(AdmissionRequest& request);

// service.cc, service_validation.cc
void prepareService(AdmissionRequest& request);
void validateService(const AdmissionRequest& request, meta::FieldErrors& errors);
void reserveService(AdmissionRequest& request);

// stateful_set.cc
void prepareStatefulSet(AdmissionRequest& request);
void validateStatefulSet(const AdmissionRequest& request, meta::FieldErrors& errors);

// storage.cc
void preparePersistentVolume(AdmissionRequest& request);
void preparePersistentVolumeClaim(AdmissionRequest& request);
void validatePersistentVolumeClaim(const AdmissionRequest& request, meta::FieldErrors& errors);
void validatePersistentVolume(const AdmissionRequest& request, meta::FieldErrors& errors);
void validateStorageClass(const AdmissionRequest& request, meta::FieldErrors& errors);

// workloads.cc: kinds that hold a pod template
void prepareTemplated(AdmissionRequest& request);
void prepareDeployment(AdmissionRequest& request);
void prepareDaemonSet(AdmissionRequest& request);
void prepareReplicationController(AdmissionRequest& request);
void validateSelected(const AdmissionRequest& request, meta::FieldErrors& errors);
void validateSelected(const json::Value& object, meta::FieldErrors& errors);
void validateDeployment(const AdmissionRequest& request, meta::FieldErrors& errors);
void validateDaemonSet(const AdmissionRequest& request, meta::FieldErrors& errors);
void validateReplicationController(const AdmissionRequest& request, meta::FieldErrors& errors);

}  // namespace wherry::apiserver
