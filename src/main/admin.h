// The admin endpoint: HTTP on RUN-DIR/admin.sock, which only root may open. What the commands ask of the running server
// and is no API object.
//
//   GET    /status[?waitMillis=N]      what runs; waits for readiness
//   GET    /images                     POST /images/import?file=F   POST /images/pull?image=I   DELETE /images?image=I
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "json/value.h"
#include "kubelet/images/image_puller.h"
#include "main/readiness.h"
#include "main/server_options.h"

namespace wherry::main {

// What the endpoint speaks for. The images are null where no kubelet runs.
struct AdminSubjects {
  const ServerOptions& options;
  const Readiness& readiness;
  kubelet::ImageStore* images = nullptr;
  kubelet::ImagePuller* puller = nullptr;
};

class AdminEndpoint {
 public:
  virtual ~AdminEndpoint() = default;  // stops
};

// Throws std::system_error when the socket can't be made.
std::unique_ptr<AdminEndpoint> startAdminEndpoint(AdminSubjects subjects);

}  // namespace wherry::main
