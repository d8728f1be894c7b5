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

struct EventParts {
  const Decision& decision;
  Stage stage;
  std::string_view auditId;
  std::string_view requestUri;
  std::string_view verb;
  const User& user;
  std::string_view sourceIp;
  std::string_view userAgent;
  const RequestInfo& info;
  int status = 0;                 // 0: there is no answer yet
  std::string_view requestBody;   // of JSON; "" for none
  std::string_view responseBody;  // of JSON; "" for none
  base::WallTime received, now;
  std::map<std::string, std::string> annotations = {};
};

std::string renderEvent(const EventParts& parts);

}  // namespace wherry::apiserver::audit
