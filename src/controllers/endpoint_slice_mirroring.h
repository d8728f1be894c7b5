// The EndpointSlice mirroring controller: Endpoints that somebody keeps by hand for a Service without a selector, as
// the EndpointSlices that proxy and DNS read (KEP-0752). Endpoints labelled endpointslice.kubernetes.io/skip-mirror are
// left alone, and so are those that only hold a leader's election.
#pragma once

#include <memory>
#include <vector>

#include "controllers/controller.h"
#include "controllers/endpoint_slice.h"
#include "views/core_v1.h"
#include "views/discovery_v1.h"

namespace wherry::controllers {

std::unique_ptr<Controller> makeEndpointSliceMirroringController(ControllerContext& context);

// -- pure ----------------------------------------------------------------------------------------------------------

inline constexpr std::string_view kMirroringManager = "endpointslicemirroring-controller.k8s.io";
inline constexpr size_t kMaxMirroredAddresses = 1000;  // of each family and set of ports; the rest is left out

// `slices`: the mirrors that are there. Without a Service or Endpoints to mirror, all of them go.
SliceActions decideMirrors(const core_v1::Service& service, const core_v1::Endpoints& endpoints,
                           const std::vector<discovery_v1::EndpointSlice>& slices);

}  // namespace wherry::controllers
