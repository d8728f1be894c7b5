#include "controllers/registry.h"

#include <algorithm>

#include "controllers/attach_detach.h"
#include "controllers/certificate_signing.h"
#include "controllers/cluster_role_aggregation.h"
#include "controllers/cron_job.h"
#include "controllers/daemon_set.h"
#include "controllers/deployment.h"
#include "controllers/disruption.h"
#include "controllers/endpoint_slice.h"
#include "controllers/endpoint_slice_mirroring.h"
#include "controllers/endpoints.h"
#include "controllers/ephemeral_volume.h"
#include "controllers/garbage_collector.h"
#include "controllers/horizontal_pod_autoscaler.h"
#include "controllers/job.h"
#include "controllers/load_balancer.h"
#include "controllers/namespace.h"
#include "controllers/node.h"
#include "controllers/persistent_volume.h"
#include "controllers/pod_gc.h"
#include "controllers/replica_set.h"
#include "controllers/resource_quota.h"
#include "controllers/root_ca.h"
#include "controllers/service_account.h"
#include "controllers/stateful_set.h"
#include "controllers/taint_eviction.h"
#include "controllers/token_cleaner.h"
#include "controllers/token_secrets.h"
#include "controllers/ttl_after_finished.h"

namespace wherry::controllers {

const std::vector<ControllerEntry>& controllerTable() {
  static const std::vector<ControllerEntry> table{
      {"serviceaccount-controller", makeServiceAccountController},
      {"root-ca-certificate-publisher-controller", makeRootCaController},
      {"serviceaccount-token-controller", makeTokenSecretController},
      {"token-cleaner-controller", makeTokenCleaner},
      {"certificatesigningrequest-controller", makeCertificateSigningController},
      {"clusterrole-aggregation-controller", makeClusterRoleAggregationController},
      {"namespace-controller", makeNamespaceController},
      {"garbage-collector-controller", makeGarbageCollector},
      {"node-controller", makeNodeController},
      {"pod-garbage-collector-controller", makePodGarbageCollector},
      {"taint-eviction-controller", makeTaintEvictionController},
      {"disruption-controller", makeDisruptionController},
      {"resourcequota-controller", makeResourceQuotaController},
      {"deployment-controller", makeDeploymentController},
      {"replicaset-controller", makeReplicaSetController},
      {"replicationcontroller-controller", makeReplicationControllerController},
      {"statefulset-controller", makeStatefulSetController},
      {"daemonset-controller", makeDaemonSetController},
      {"job-controller", makeJobController},
      {"cronjob-controller", makeCronJobController},
      {"ttl-after-finished-controller", makeTtlAfterFinishedController},
      {"horizontal-pod-autoscaler-controller", makeHorizontalPodAutoscalerController},
      {"persistentvolume-controller", makePersistentVolumeController},
      {"storage-protection-controller", makeStorageProtectionController},
      {"ephemeral-volume-controller", makeEphemeralVolumeController},
      {"persistentvolume-attach-detach-controller", makeAttachDetachController},
      {"endpointslice-controller", makeEndpointSliceController},
      {"endpoints-controller", makeEndpointsController},
      {"endpointslicemirroring-controller", makeEndpointSliceMirroringController},
      {"service-lb-controller", makeLoadBalancerController},
  };
  return table;
}

std::vector<std::string> controllersOfApiAlone() {
  return {"serviceaccount-controller", "root-ca-certificate-publisher-controller"};
}

std::vector<std::unique_ptr<Controller>> startControllers(ControllerContext& context, std::stop_token stop,
                                                          const std::vector<std::string>& names) {
  std::vector<std::unique_ptr<Controller>> controllers;
  for (const auto& entry : controllerTable()) {
    if (names.empty() || std::find(names.begin(), names.end(), entry.name) != names.end()) {
      controllers.push_back(entry.make(context));
    }
  }
  context.informers.start();
  if (!context.informers.waitSynced(stop)) return {};
  for (const auto& controller : controllers) controller->start();
  return controllers;
}

}  // namespace wherry::controllers
