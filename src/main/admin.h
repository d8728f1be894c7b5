// The admin endpoint: HTTP on RUN-DIR/admin.sock, which only root may open. What the commands ask of the running server
// and is no API object.
//
//   GET    /status[?waitMillis=N[&seen=C]]   which parts run; waits for readiness, or for a change after change C
//   GET    /report                           all that `wherry status` shows, status_report.h
//   POST   /shutdown-pods              ends the pods, for the machine goes down; answers when they have ended
//   POST   /snapshot?file=F            saves the cluster, cluster_snapshot.h; F is absolute
//   GET    /doctor/dns?name=N&type=T   POST /doctor/dial?to=T,T   GET /doctor/kernel?service=NS/NAME   node_facts.h
//   GET    /images                     POST /images/import?file=F   DELETE /images?image=I
//   POST   /secrets/rotate             what is encrypted on the disk, written anew with the first key
//   POST   /images/prune[?all=true]    what no container uses; imported images only with `all`
//   POST   /images/pull?image=I        one JSON object a line: {"progress": ...} about every second, at last
//                                      {"image": ...} or {"message": ...}
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "client/client.h"
#include "json/value.h"
#include "kubelet/images/image_garbage.h"
#include "kubelet/images/image_puller.h"
#include "main/control_plane.h"
#include "main/readiness.h"
#include "main/server_options.h"
#include "proxy/proxy.h"

namespace wherry::main {

// What the endpoint speaks for.
struct AdminSubjects {
  const ServerOptions& options;
  const Readiness& readiness;
};

// What it speaks for once that runs. The images are null where no kubelet runs.
struct AdminParts {
  kubelet::ImageStore* images = nullptr;
  kubelet::ImagePuller* puller = nullptr;
  kubelet::ImageGarbage* garbage = nullptr;
  client::Client* client = nullptr;
  ControlPlane* controlPlane = nullptr;
  const proxy::Proxy* proxy = nullptr;  // null where none runs
  std::function<void()> shutDownPods;   // empty where no kubelet runs
};

class AdminEndpoint {
 public:
  virtual ~AdminEndpoint() = default;  // stops
  // From now on it answers for these too; they live until it has stopped.
  virtual void setParts(AdminParts parts) = 0;
};

// Throws std::system_error when the socket can't be made.
std::unique_ptr<AdminEndpoint> startAdminEndpoint(AdminSubjects subjects);

}  // namespace wherry::main
