// Each control of the Pod Security Standards: what is allowed, what is refused, and in which words.
#include "apiserver/podsecurity/standards.h"

#include <gtest/gtest.h>

#include "apiserver/admission/fields.h"
#include "json/yaml.h"

namespace wherry::apiserver::podsecurity {
namespace {

struct Row {
  const char* sentence;
  const char* pod;
  const char* told;  // "" when the pod is allowed
};

void expectAll(const LevelVersion& standard, std::initializer_list<Row> rows) {
  for (const Row& row : rows) {
    SCOPED_TRACE(row.sentence);
    auto pod = json::parseYaml(row.pod);
    EXPECT_EQ(renderDetails(evaluatePod(standard, {objectAt(pod, "metadata"), objectAt(pod, "spec")})), row.told);
  }
}

constexpr LevelVersion kBaseline{Level::kBaseline};
constexpr LevelVersion kRestricted{Level::kRestricted};

TEST(PodSecurityBaseline, KeepsPodsFromTheNode) {
  expectAll(
      kBaseline,
      {
          {"a plain pod", "spec: {containers: [{name: a}]}", ""},
          {"the node's namespaces", "spec: {hostNetwork: true, hostIPC: true, containers: [{name: a}]}",
           "host namespaces (hostNetwork=true, hostIPC=true)"},
          {"a directory of the node", "spec: {volumes: [{name: v, hostPath: {path: /}}], containers: [{name: a}]}",
           R"(hostPath volumes (volume "v"))"},
          {"directories of the node",
           "spec: {volumes: [{name: v, hostPath: {path: /}}, {name: w, hostPath: {path: /}}], containers: [{name: a}]}",
           R"(hostPath volumes (volumes "v", "w"))"},
          {"an empty directory", "spec: {volumes: [{name: v, emptyDir: {}}], containers: [{name: a}]}", ""},
          {"a port of the node", "spec: {containers: [{name: a, ports: [{hostPort: 80, containerPort: 80}]}]}",
           R"(hostPort (container "a" uses hostPort 80))"},
          {"ports of the node",
           "spec: {containers: [{name: a, ports: [{hostPort: 80}, {hostPort: 443}]}, {name: b, ports: [{hostPort: "
           "8080}]}]}",
           R"(hostPort (containers "a", "b" use hostPorts 443, 80, 8080))"},
          {"a port of the container", "spec: {containers: [{name: a, ports: [{containerPort: 80}]}]}", ""},
          {"a probe of another host",
           "spec: {containers: [{name: a, livenessProbe: {httpGet: {host: example.com, port: 80}}}]}",
           R"(probe or lifecycle host (container "a" uses probe or lifecycle host "example.com"))"},
          {"a hook at another host",
           "spec: {initContainers: [{name: i, lifecycle: {preStop: {httpGet: {host: x, port: 80}}}}], containers: "
           "[{name: a}]}",
           R"(probe or lifecycle host (container "i" uses probe or lifecycle host "x"))"},
          {"a probe of the pod itself", "spec: {containers: [{name: a, livenessProbe: {httpGet: {port: 80}}}]}", ""},
      });
}

TEST(PodSecurityBaseline, KeepsPodsFromMoreRights) {
  expectAll(
      kBaseline,
      {
          {"a privileged container", "spec: {containers: [{name: a, securityContext: {privileged: true}}]}",
           R"(privileged (container "a" must not set securityContext.privileged=true))"},
          {"a privileged ephemeral container",
           "spec: {containers: [{name: a}], ephemeralContainers: [{name: e, securityContext: {privileged: true}}]}",
           R"(privileged (container "e" must not set securityContext.privileged=true))"},
          {"a capability beyond the usual ones",
           "spec: {containers: [{name: a, securityContext: {capabilities: {add: [NET_ADMIN, CHOWN, SYS_TIME]}}}]}",
           R"(non-default capabilities (container "a" must not include "NET_ADMIN", "SYS_TIME" in )"
           R"(securityContext.capabilities.add))"},
          {"a usual capability", "spec: {containers: [{name: a, securityContext: {capabilities: {add: [CHOWN]}}}]}",
           ""},
          {"all of /proc", "spec: {containers: [{name: a, securityContext: {procMount: Unmasked}}]}",
           R"(procMount (container "a" must not set securityContext.procMount to "Unmasked"))"},
          {"all of /proc in a user namespace",
           "spec: {hostUsers: false, containers: [{name: a, securityContext: {procMount: Unmasked}}]}", ""},
          {"a host process of Windows",
           "spec: {securityContext: {windowsOptions: {hostProcess: true}}, containers: [{name: a}]}",
           "hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)"},
      });
}

TEST(PodSecurityBaseline, KeepsProfilesAndKernelSettings) {
  expectAll(
      kBaseline,
      {
          {"no AppArmor", "spec: {securityContext: {appArmorProfile: {type: Unconfined}}, containers: [{name: a}]}",
           R"(forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined"))"},
          {"no AppArmor, the old way",
           "metadata: {annotations: {container.apparmor.security.beta.kubernetes.io/a: unconfined}}\nspec: "
           "{containers: [{name: a}]}",
           R"(forbidden AppArmor profile (annotation "container.apparmor.security.beta.kubernetes.io/a" must not set )"
           R"(AppArmor profile type to "unconfined"))"},
          {"an AppArmor profile of the node",
           "spec: {securityContext: {appArmorProfile: {type: Localhost, localhostProfile: x}}, containers: [{name: "
           "a}]}",
           ""},
          {"no seccomp",
           "spec: {securityContext: {seccompProfile: {type: Unconfined}}, containers: [{name: a, securityContext: "
           "{seccompProfile: {type: Unconfined}}}]}",
           R"(seccompProfile (pod and container "a" must not set securityContext.seccompProfile.type to "Unconfined"))"},
          {"the runtime's seccomp",
           "spec: {securityContext: {seccompProfile: {type: RuntimeDefault}}, containers: [{name: a}]}", ""},
          {"another SELinux type and a role",
           "spec: {containers: [{name: a, securityContext: {seLinuxOptions: {type: spc_t, role: r}}}]}",
           R"(seLinuxOptions (container "a" set forbidden securityContext.seLinuxOptions: type "spc_t"; )"
           "role may not be set)"},
          {"a container's SELinux type",
           "spec: {securityContext: {seLinuxOptions: {type: container_engine_t, level: s0}}, containers: [{name: a}]}",
           ""},
          {"an unsafe sysctl",
           "spec: {securityContext: {sysctls: [{name: kernel.msgmax, value: '1'}, {name: net.ipv4.tcp_rmem, value: "
           "'1'}]}, containers: [{name: a}]}",
           "forbidden sysctls (kernel.msgmax)"},
      });
}

TEST(PodSecurityRestricted, WantsEverythingSaid) {
  expectAll(
      kRestricted,
      {
          {"a plain pod breaks four", "spec: {containers: [{name: a}, {name: b}]}",
           R"(allowPrivilegeEscalation != false (containers "a", "b" must set )"
           R"(securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (containers "a", "b" must set )"
           R"(securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or containers "a", "b" must set )"
           R"(securityContext.runAsNonRoot=true), seccompProfile (pod or containers "a", "b" must set )"
           R"(securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"))"},
          {"a hardened pod", R"(
spec:
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: a
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}}
)",
           ""},
          {"a pod of Windows can't say these things",
           "spec: {os: {name: windows}, securityContext: {runAsNonRoot: true}, containers: [{name: a}]}", ""},
      });
}

// A pod that is all right but for what is merged in.
TEST(PodSecurityRestricted, RefusesWhatIsSaidWrongly) {
  expectAll(
      kRestricted,
      {
          {"root by its number", R"(
spec:
  securityContext: {runAsNonRoot: true, runAsUser: 0, seccompProfile: {type: RuntimeDefault}}
  containers: [{name: a, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, runAsUser: 0}}]
)",
           R"(runAsUser=0 (pod and container "a" must not set runAsUser=0))"},
          {"one container that may be root", R"(
spec:
  securityContext: {runAsNonRoot: true, seccompProfile: {type: Localhost, localhostProfile: x}}
  containers:
    - {name: a, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, runAsNonRoot: false}}
)",
           R"(runAsNonRoot != true (container "a" must not set securityContext.runAsNonRoot=false))"},
          {"a volume that is not of the core types, and capabilities", R"(
spec:
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  volumes: [{name: h, hostPath: {path: /}}, {name: n, nfs: {server: s, path: /}}, {name: e, emptyDir: {}}]
  containers:
    - {name: a, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [KILL], add: [CHOWN]}}}
)",
           R"(unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]; container )"
           R"("a" must not include "CHOWN" in securityContext.capabilities.add), restricted volume types (volumes )"
           R"("h", "n" use restricted volume types "hostPath", "nfs"))"},
      });
}

TEST(PodSecurityVersions, AStandardIsAsItWasInItsVersion) {
  const char* sysctls = "spec: {securityContext: {sysctls: [{name: net.ipv4.tcp_rmem}]}, containers: [{name: a}]}";
  const char* probe = "spec: {containers: [{name: a, livenessProbe: {httpGet: {host: h}}}]}";
  expectAll({Level::kBaseline, 31}, {{"buffers came with 1.32", sysctls, "forbidden sysctls (net.ipv4.tcp_rmem)"}});
  expectAll({Level::kBaseline, 32}, {{"buffers came with 1.32", sysctls, ""}});
  expectAll({Level::kBaseline, 33}, {{"hosts of probes came with 1.34", probe, ""}});
  expectAll({Level::kBaseline, 999}, {{"a version to come is the newest", probe,
                                       R"(probe or lifecycle host (container "a" uses probe or lifecycle host "h"))"}});
  expectAll({Level::kRestricted, 7},
            {{"1.7 knew only root", "spec: {containers: [{name: a}]}",
              R"(runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true))"}});
  expectAll({Level::kPrivileged}, {{"privileged asks nothing", "spec: {hostPID: true}", ""}});
}

}  // namespace
}  // namespace wherry::apiserver::podsecurity
