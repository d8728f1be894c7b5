// One line of the audit log: an Event of audit.k8s.io/v1. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/admission/admission.h"
#include "apiserver/audit/policy.h"
#include "apiserver/request_info.h"
#include "base/clock.h"
#include "json/value.h"

namespace wherry::apiserver::audit {

// What was sent: an object in any of the forms that the server reads, or anything else, which is not shown.
struct Body {
  std::string_view contentType;
  std::string_view text;  // "": nothing
};

struct EventParts {
  const Decision& decision;
  Stage stage;
  std::string_view auditId;
  std::string_view requestUri;
  std::string_view verb;
  const User& user;          // who asks
  const User* impersonated;  // as whom they act; null: as themselves
  std::string_view sourceIp;
  std::string_view userAgent;
  const RequestInfo& info;
  int status = 0;  // 0: there is no answer yet
  Body request, response;
  base::WallTime received, now;
  std::map<std::string, std::string> annotations = {};
};

std::string renderEvent(const EventParts& parts);

}  // namespace wherry::apiserver::audit
