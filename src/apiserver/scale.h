// The scale subresource: a kind's number of replicas seen as an autoscaling/v1 Scale. Pure but for updateScale.
#pragma once

#include <optional>
#include <string>

#include "apiserver/backend.h"
#include "apiserver/object_writer.h"
#include "apiserver/written.h"
#include "json/value.h"

namespace wherry::apiserver {

// Where a kind keeps its replicas, as dotted paths.
struct ScalePaths {
  std::string specReplicas = "spec.replicas";
  std::string statusReplicas = "status.replicas";
  std::string selector;  // status path of the selector's text (custom resources); "" when there is none
};

// Throws NotFound when the kind has no scale.
ScalePaths scalePathsOf(const Backend& backend, const schema::Kind& kind);

// autoscaling/v1 Scale, with TypeMeta.
json::Value renderScale(const schema::Kind& kind, const ScalePaths& paths, const json::Value& object);

// `next` makes a Scale of the Scale that is (PUT answers the body, PATCH applies the patch). The answer is a whole
// Scale.
void updateScale(Backend& backend, WriteContext context, std::function<json::Value(const json::Value& scale)> next,
                 OnWritten done);

}  // namespace wherry::apiserver
