#include "kubelet/volumes/nfs.h"

#include <gtest/gtest.h>

#include "base/strings.h"
#include "kubelet/testing/pod_fixture.h"

namespace wherry::kubelet {
namespace {

std::string command(const std::string& volume, const std::string& claimed = "") {
  const auto pod = makePod("{containers: [{name: a}], volumes: [" + volume + "]}");
  core_v1::PersistentVolume found;
  if (!claimed.empty())
    found = core_v1::PersistentVolume(std::make_shared<const meta::Object>(json::parseYaml(claimed)));
  const auto nfs = nfsVolumeOf(pod.spec().volumes()[0], found);
  return nfs ? nfs->name + ": " + base::join(nfsMountArguments(*nfs, "/target"), " ") : "none";
}

TEST(Nfs, IsMountedAsTheVolumeSays) {
  EXPECT_EQ(command("{name: v, nfs: {server: 10.0.0.1, path: /data}}"), "v: -t nfs 10.0.0.1:/data /target");
  EXPECT_EQ(command("{name: v, nfs: {server: 'fd00::1', path: /data, readOnly: true}}"),
            "v: -t nfs -o ro [fd00::1]:/data /target");
  const std::string claim = "{name: v, persistentVolumeClaim: {claimName: c}}";
  EXPECT_EQ(
      command(claim, "{metadata: {name: pv}, spec: {mountOptions: [hard, nfsvers=4.1], nfs: {server: s, path: /x}}}"),
      "pv: -t nfs -o hard,nfsvers=4.1 s:/x /target");
  EXPECT_EQ(command("{name: v, persistentVolumeClaim: {claimName: c, readOnly: true}}",
                    "{metadata: {name: pv}, spec: {nfs: {server: s, path: /x}}}"),
            "pv: -t nfs -o ro s:/x /target");
  EXPECT_EQ(command(claim, "{metadata: {name: pv}, spec: {hostPath: {path: /x}}}"), "none");
  EXPECT_EQ(command("{name: v, emptyDir: {}}"), "none");
}

}  // namespace
}  // namespace wherry::kubelet
