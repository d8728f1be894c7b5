// Every admission hook. Adding one: a file with its functions, a line here, and its name in the kind's YAML.
#include <algorithm>
#include <array>

#include "apiserver/admission/admission.h"
#include "apiserver/admission/hooks.h"

namespace wherry::apiserver {
namespace {

constexpr std::array kHooks = {
    AdmissionHook{"cronjob", prepareCronJob, nullptr},
    AdmissionHook{"customresourcedefinition", prepareCustomResourceDefinition, validateCustomResourceDefinition},
    AdmissionHook{"daemonset", prepareDaemonSet, validateSelected},
    AdmissionHook{"deployment", prepareDeployment, validateSelected},
    AdmissionHook{"job", prepareJob, validateJob},
    AdmissionHook{"namespace", prepareNamespace, nullptr},
    AdmissionHook{"pod", preparePod, validatePod},
    AdmissionHook{"podtemplate", prepareTemplated, nullptr},
    AdmissionHook{"replicaset", prepareTemplated, validateSelected},
    AdmissionHook{"replicationcontroller", prepareReplicationController, nullptr},
    AdmissionHook{"service", prepareService, validateService, reserveService},
    AdmissionHook{"statefulset", prepareStatefulSet, validateSelected},
};

}  // namespace

const AdmissionHook* findHook(std::string_view name) {
  auto at = std::find_if(kHooks.begin(), kHooks.end(), [&](const AdmissionHook& hook) { return hook.name == name; });
  return at == kHooks.end() ? nullptr : &*at;
}

}  // namespace wherry::apiserver
