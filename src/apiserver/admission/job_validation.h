// The rules of a JobSpec that look at several of its fields, for Jobs and for the template of CronJobs. Pure.
#pragma once

#include <string>

#include "json/value.h"
#include "meta/status.h"

namespace wherry::apiserver {

// `path`: where the JobSpec stands in `object` ("spec", "spec.jobTemplate.spec").
void checkIndexes(const json::Value& object, const std::string& path, meta::FieldErrors& errors);
void checkPodFailurePolicy(const json::Value& object, const std::string& path, meta::FieldErrors& errors);
void checkSuccessPolicy(const json::Value& object, const std::string& path, meta::FieldErrors& errors);
void checkPodReplacementPolicy(const json::Value& object, const std::string& path, meta::FieldErrors& errors);

}  // namespace wherry::apiserver
