// Which pods stand behind a Service, and how they are reached: what EndpointSlices and Endpoints have in common. Pure
// but for the indexes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/informer.h"
#include "json/value.h"
#include "views/core_v1.h"

namespace wherry::controllers {

enum class Family { kIpv4, kIpv6 };

// Kept by a controller: a selector it takes part in, and not by cluster DNS or the user.
bool hasManagedEndpoints(const core_v1::Service& service);
bool isHeadless(const core_v1::Service& service);
std::vector<Family> familiesOf(const core_v1::Service& service);

// The pod's address of a family; "" when it has none.
std::string_view addressOf(const core_v1::Pod& pod, Family family);
// Not ended, and with an address of its own or of its node.
bool canServe(const core_v1::Pod& pod);

// One port of a Service as this pod has it.
struct EndpointPort {
  std::string name;
  std::string protocol;
  std::optional<int64_t> port;
  std::string appProtocol;
  auto operator<=>(const EndpointPort&) const = default;
};
// A named targetPort is looked up among the pod's containers; a port that the pod lacks is left out.
std::vector<EndpointPort> portsOf(const core_v1::Service& service, const core_v1::Pod& pod);

// The pod's hostname below the Service's name, when it asks for one (spec.hostname and spec.subdomain).
std::string_view hostnameUnder(const core_v1::Service& service, const core_v1::Pod& pod);
json::Object podReference(const core_v1::Pod& pod);

// Whether a change of a pod can matter to a Service that selects it.
bool concernsEndpoints(const core_v1::Pod& before, const core_v1::Pod& after);

// Finds the pods of a Service and the Services of a pod without looking at all of them.
class ServicePods {
 public:
  explicit ServicePods(client::InformerFactory& informers);  // adds indexes

  std::vector<core_v1::Pod> podsOf(const core_v1::Service& service) const;
  std::vector<meta::ObjectKey> servicesOf(const core_v1::Pod& pod) const;

 private:
  client::Informer& pods_;
  client::Informer& services_;
};

}  // namespace wherry::controllers
