// Names outside of the cluster: who is asked for them, as flags, the ConfigMap kube-system/kube-dns and the node's
// resolv.conf say now, and the answers. On the event loop's thread, but for what says otherwise.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "clusterdns/answer.h"
#include "clusterdns/external_names.h"
#include "clusterdns/forward_config.h"
#include "clusterdns/name_resolver.h"
#include "clusterdns/shared_zone.h"
#include "net/event_loop.h"

namespace wherry::clusterdns {

struct UpstreamsOptions {
  AnswerOptions answers;
  ForwardConfig forward;
  CacheLimits cache;
  ForwardTimes times;
  std::string resolvConf;
  uint16_t port = kDnsPort;  // of the node's resolvers
  std::string own;           // the address we answer at
};

class Upstreams : public std::enable_shared_from_this<Upstreams> {
 public:
  // A query that an Answerer left to us.
  struct Request {
    std::string packet;
    std::string ns;      // the namespace whose search path is gone through; "": none
    std::string client;  // the bytes of its address
    size_t limit = 0;    // bytes that the response may take
  };
  using Reply = std::function<void(std::string_view response)>;

  Upstreams(net::EventLoop& loop, const SharedZone& zone, UpstreamsOptions options);

  // Reads the files and follows their changes.
  void start();
  // Any thread.
  void setConfigMap(DnsConfigMap configMap);

  // What can be answered without the loop's thread. Any thread.
  ExternalNames& names() { return names_; }
  bool available() const { return names_.any.load(std::memory_order_relaxed); }
  // Resolves it and hands over the response, on the loop's thread. False when too much is under way: then the caller
  // has to say so. Any thread.
  bool post(Request request, Reply reply);
  // Asks again for what is about to expire. Any thread.
  void refresh(const dns::Name& name, const dns::Query& query);

 private:
  static constexpr size_t kMaxPosted = 8192, kMaxOfClient = 512;
  struct Walk;

  void configure();
  void readHosts();
  UpstreamList readNodesResolvers();
  std::shared_ptr<const net::TlsContext> tlsFor(const std::vector<StubDomain>& routes);
  void walk(Request request, Reply reply);
  void step(const std::shared_ptr<Walk>& walk);
  void finish(const Walk& walk, const dns::Name* name, const Resolved& resolved);
  Outcome answerAgain(const Request& request, const dns::Query& query);
  void done(const Request& request);

  net::EventLoop& loop_;
  ZoneReader zone_;
  const UpstreamsOptions options_;
  Answerer answerer_;
  dns::ResponseWriter writer_;
  ExternalNames names_;
  ExternalAnswerer external_;
  std::shared_ptr<NameResolver> resolver_;
  DnsConfigMap configMap_;
  std::vector<StubDomain> routes_;
  std::shared_ptr<const net::TlsContext> tls_;
  std::atomic<size_t> posted_{0};
  std::unordered_map<std::string, size_t> ofClient_;
};

}  // namespace wherry::clusterdns
