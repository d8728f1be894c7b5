// A cluster for tests: the real store and API server in memory, with keys and an authority of its own, all controllers,
// the scheduler, and an actor that plays the kubelets (pods of a node run and are ready at once, and end at once when
// they are deleted).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "apiserver/admission/admission.h"
#include "client/client.h"
#include "json/value.h"
#include "meta/object.h"

namespace wherry::integration {

enum class Kubelet { kRuns, kAbsent };

class Cluster {
 public:
  explicit Cluster(Kubelet kubelet = Kubelet::kRuns);
  ~Cluster();

  client::Client& client();
  // As somebody else.
  std::unique_ptr<client::Client> clientOf(const apiserver::User& user);

  // Creates every object of a YAML stream.
  void create(std::string_view yaml);
  // A node "boat" that is ready, with 4 CPUs, 8Gi and room for 110 pods.
  void addNode(std::string_view name = "boat");

  // Whether `holds` becomes true within a generous time; asked again after every change of any object, and never else.
  bool eventually(const std::function<bool()>& holds);

  // Null when missing.
  meta::ObjectPtr find(const meta::Resource& resource, std::string_view ns, std::string_view name);
  // Those that match a label selector ("" for all).
  std::vector<meta::ObjectPtr> list(const meta::Resource& resource, std::string_view ns,
                                    std::string_view selector = {});
  // How many Events about this object say this: "ScalingReplicaSet Scaled up replica set web-1 from 0 to 2".
  std::vector<std::string> eventsAbout(std::string_view ns, std::string_view name);
  // How many writes of this resource there have been.
  int writesOf(const meta::Resource& resource);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wherry::integration
