// An audit policy (audit.k8s.io/v1, kind Policy): which requests are noted, and how much of them. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apiserver/admission/admission.h"
#include "apiserver/request_info.h"

namespace wherry::apiserver::audit {

enum class Level { kNone, kMetadata, kRequest, kRequestResponse };
enum class Stage { kRequestReceived, kResponseStarted, kResponseComplete, kPanic };

std::string_view levelName(Level level);  // "RequestResponse"
std::string_view stageName(Stage stage);  // "ResponseComplete"

// What a policy says of one request.
struct Decision {
  Level level = Level::kNone;
  std::vector<Stage> omitStages;
  bool omitManagedFields = false;

  bool notes(Stage stage) const;
};

struct GroupResources {
  std::string group;
  std::vector<std::string> resources;  // "pods", "pods/log", "*", "*/scale", "pods/*"; none: all of the group
  std::vector<std::string> names;
};

// Fields that are empty match everything.
struct Rule {
  Decision decision;
  std::vector<std::string> users, userGroups, verbs, namespaces, nonResourceUrls;
  std::vector<GroupResources> resources;
};

class Policy {
 public:
  // Throws std::runtime_error that says what is wrong: "rules[1].level: Unsupported value: ...".
  static Policy parse(std::string_view yaml);

  // By the first rule that matches; none: the request is not noted.
  Decision decide(const User& user, const RequestInfo& info, std::string_view verb) const;

 private:
  std::vector<Rule> rules_;
};

}  // namespace wherry::apiserver::audit
