// The admission hooks, as chain.cc lists them: what each kind's rules are beyond its schema. One file a topic.
#pragma once

#include "apiserver/admission/admission.h"

namespace wherry::apiserver {

void prepareCustomResourceDefinition(AdmissionRequest& request);
void validateCustomResourceDefinition(const AdmissionRequest& request, meta::FieldErrors& errors);

void prepareNamespace(AdmissionRequest& request);

void preparePod(AdmissionRequest& request);
void validatePod(const AdmissionRequest& request, meta::FieldErrors& errors);

void prepareService(AdmissionRequest& request);
void validateService(const AdmissionRequest& request, meta::FieldErrors& errors);
void reserveService(AdmissionRequest& request);

// Kinds that hold a pod template (workloads.cc).
void prepareTemplated(AdmissionRequest& request);
void prepareDeployment(AdmissionRequest& request);
void prepareDaemonSet(AdmissionRequest& request);
void prepareStatefulSet(AdmissionRequest& request);
void prepareReplicationController(AdmissionRequest& request);
void prepareCronJob(AdmissionRequest& request);
void prepareJob(AdmissionRequest& request);
void validateSelected(const AdmissionRequest& request, meta::FieldErrors& errors);
void validateJob(const AdmissionRequest& request, meta::FieldErrors& errors);

}  // namespace wherry::apiserver
