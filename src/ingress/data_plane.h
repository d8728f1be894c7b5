// DataPlane: a routing model and the endpoints of the moment, in HAProxy. Decides between commands and a reload, leaves
// out what HAProxy refuses, and starts it anew when it ends. Not thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ingress/haproxy.h"
#include "ingress/haproxy_config.h"
#include "ingress/route_counters.h"
#include "ingress/routing.h"
#include "ingress/section_servers.h"
#include "ingress/withdrawals.h"

namespace wherry::ingress {

// The way back for connections that HAProxy makes under its clients' addresses: answers are to be led to this node.
// Both may be called again; they throw std::exception.
struct ReturnPath {
  std::function<void()> open;  // empty: there is none
  std::function<void()> close;
};

class DataPlane {
 public:
  using EndpointsOf = SectionServers::EndpointsOf;
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Hooks {
    EndpointsOf endpointsOf;
    std::function<std::string()> makeCertificate;  // for names that have none
    std::function<void()> onEnd;                   // HAProxy ended by itself; on a thread of its own
    // While HAProxy is loaded anew: waits for something to do, and does it (updateEndpoints() alone is allowed).
    // `wake`, from another thread, ends the waiting.
    std::function<void()> meanwhile;
    std::function<void()> wake;
    int accessLog = -1;  // a descriptor of ours, that HAProxy writes to
    ReturnPath returnPath = {};
    std::function<void()> onFormerEnd = {};  // settle() is due; on a thread of its own
  };
  DataPlane(const Settings& settings, Hooks hooks);

  // Answers with what of the model isn't in force, and why.
  std::vector<Complaint> setModel(Model model);
  // The EndpointSlices of these Services ("namespace/name") are not what they were.
  void updateEndpoints(const std::set<std::string>& services);
  // HAProxy ended, or a retry is due. Answers as setModel().
  std::vector<Complaint> restart();
  // A HAProxy that was replaced has ended: what only it needed goes.
  void settle();
  // When it is to be tried again; nothing while all is as it should be.
  std::optional<TimePoint> retryAt() const { return retryAt_; }

  // Ports of the model that aren't served, since somebody else has them, and HAProxy's words for it.
  const std::map<uint16_t, std::string>& unavailablePorts() const { return unavailablePorts_; }
  // Why nothing of the model is in force, only what was before it, if HAProxy runs; "" when it is.
  const std::string& trouble() const { return trouble_; }

  const Shape& shape() const { return shape_; }
  const std::shared_ptr<RouteCounters>& counters() const { return counters_; }
  AdminSocket admin() const { return haproxy_.admin(); }
  bool running() const { return haproxy_.running(); }

 private:
  std::vector<Complaint> serve();
  bool isSteady() const;
  bool revive();
  void putInForce();
  void stop();
  void leaveOutTakenPorts(Model& model, std::vector<Complaint>& complaints);
  Shape render(const Model& model);
  void tell(const Shape& shape, const ServersBySection& changes) const;
  bool move(ServersBySection changes);
  bool change(const Shape& shape, ServersBySection servers);
  std::optional<Refusal> load(const Shape& shape, ServersBySection servers);
  void loadWhatIsTaken(Model model, Shape shape, std::vector<Complaint>& complaints);
  bool takeOut(Model& model, const Shape& shape, const ServersBySection& servers, const Refusal& refusal,
               std::vector<Complaint>& complaints);
  void succeed();
  void fail(const Model& model, const std::string& words, std::vector<Complaint>& complaints);
  void openReturnPath(const Shape& shape);
  void catchUp();
  void postpone();

  const Settings settings_;
  const Hooks hooks_;
  std::string defaultCertificate_;  // once it is needed
  HAProxy haproxy_;
  Model model_;  // as it was asked for
  Shape shape_;  // as it is in force
  SectionServers servers_;
  bool isLoading_ = false;
  bool mayBeOpen_ = true;  // the return path: an earlier process may have left it
  Withdrawals withdrawals_;
  std::map<uint16_t, std::string> unavailablePorts_;
  std::string trouble_;
  std::vector<Complaint> complaints_;  // the last answer
  const std::shared_ptr<RouteCounters> counters_ = std::make_shared<RouteCounters>();
  TimePoint revivedAt_{};  // when it was started the last time because it had ended
  std::optional<TimePoint> retryAt_;
  std::chrono::milliseconds retryDelay_{};
};

}  // namespace wherry::ingress
