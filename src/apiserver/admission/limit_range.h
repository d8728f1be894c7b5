// What the LimitRanges of a namespace do to its new pods and claims (upstream's LimitRanger plugin). Pure.
#pragma once

#include <string>
#include <vector>

#include "json/value.h"
#include "meta/object.h"

namespace wherry::apiserver {

// Fills in the requests and limits that the containers of `pod` leave out, and says so in an annotation.
void applyLimitRange(const json::Value& limitRange, json::Object& pod);

// Why the pod may not be: a sentence for each bound that it breaks.
std::vector<std::string> checkPodLimits(const json::Value& limitRange, const json::Object& podSpec);
std::vector<std::string> checkClaimLimits(const json::Value& limitRange, const json::Object& claimSpec);

}  // namespace wherry::apiserver
