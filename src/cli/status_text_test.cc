#include "cli/status_text.h"

#include <gtest/gtest.h>

namespace wherry::cli {
namespace {

TEST(StatusTextTest, ShowsWhatRunsAndWhatIsWrong) {
  json::Value report = json::parse(R"({
    "ready": true, "version": "0.1.0", "uptimeSeconds": 7300, "url": "https://192.0.2.2:6443", "node": "node",
    "nodeIp": "192.0.2.2", "clusterDns": "10.96.0.10", "clusterCidr": "10.244.0.0/16", "serviceCidr": "10.96.0.0/12",
    "dataDir": "/var/lib/wherry", "kubeconfig": "/var/lib/wherry/admin.kubeconfig",
    "parts": [{"name": "api", "ready": true, "state": "ready"}],
    "pods": {"Pending": 1, "Running": 12},
    "versions": {"crun": "1.8.1", "skopeo": ""},
    "certificates": [{"name": "ca", "notAfter": "2036-11-22T10:00:00Z", "daysLeft": 3649}],
    "disk": {"size": 107374182400, "free": 53687091200, "store": 1048576, "images": 73400320, "pods": 4096, "logs": -1},
    "memory": {"resident": 25165824, "proportional": 22020096},
    "problems": [{"text": "disk /var/lib/wherry: 100 MiB free", "remedy": "make room"}]})");
  EXPECT_EQ(renderStatusText(report), R"(server        ready, since 2 h
  api         ready
pods          1 pending, 12 running
API           https://192.0.2.2:6443
node          node, 192.0.2.2
cluster DNS   10.96.0.10
ranges        pods 10.244.0.0/16, Services 10.96.0.0/12
kubeconfig    /var/lib/wherry/admin.kubeconfig
versions      crun 1.8.1, skopeo missing
certificates  ca 2036-11-22 (3649 days)
data          /var/lib/wherry
disk          50.0 GiB of 100.0 GiB free; database 1.0 MiB, images 70.0 MiB, pods 4 KiB, logs ?
memory        24.0 MiB resident, 21.0 MiB of its own share (PSS)
wrong:
  disk /var/lib/wherry: 100 MiB free
    -> make room
)");
}

TEST(StatusTextTest, SaysWhatIsWaitedFor) {
  EXPECT_EQ(renderWaiting(json::parse(R"({"parts": [
      {"name": "api", "ready": true, "state": "ready"},
      {"name": "dns", "ready": false, "state": "starting"},
      {"name": "kubelet", "ready": false, "state": "waits for the API"}]})")),
            "waiting for dns (starting) and then 1 more");
  EXPECT_EQ(renderWaiting(json::parse(R"({"parts": [{"name": "api", "ready": true, "state": "ready"}]})")), "ready");
}

}  // namespace
}  // namespace wherry::cli
