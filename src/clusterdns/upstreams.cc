#include "clusterdns/upstreams.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/random.h"
#include "clusterdns/file_watch.h"
#include "clusterdns/forward_metrics.h"
#include "clusterdns/resolv_conf.h"

namespace wherry::clusterdns {
namespace {

const base::Log kLog("clusterdns");

// Where systemd-resolved names the real servers when resolv.conf only names its loopback stub.
constexpr const char* kBehindStub = "/run/systemd/resolve/resolv.conf";
constexpr const char* kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";

std::string describe(const std::vector<StubDomain>& routes) {
  std::vector<std::string> texts;
  for (const StubDomain& route : routes) {
    for (const Upstream& upstream : route.upstreams) {
      bool all = route.domain == dns::Name();
      texts.push_back(all ? upstream.text() : fmt::format("{} for {}", upstream.text(), route.domain.text()));
    }
  }
  return texts.empty() ? "no resolver to ask" : fmt::format("asked of {}", fmt::join(texts, ", "));
}

bool sameRoutes(const std::vector<StubDomain>& a, const std::vector<StubDomain>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const StubDomain& one, const StubDomain& other) {
    return one.domain == other.domain && one.upstreams == other.upstreams;
  });
}

Forwarder::Question questionOf(const dns::Name& name, const dns::Query& query) {
  return {name, query.qtype(), query.dnssecOk(), query.checkingDisabled()};
}

}  // namespace

// A request on its way through the names that may answer it.
struct Upstreams::Walk {
  Request request;
  Reply reply;
  Outcome outcome{};
  std::vector<dns::Name> names;
  size_t next = 0;
};

Upstreams::Upstreams(net::EventLoop& loop, const SharedZone& zone, UpstreamsOptions options)
    : loop_(loop),
      zone_(zone),
      options_(std::move(options)),
      answerer_(options_.answers, base::randomBelow(UINT32_MAX)),
      names_(options_.cache),
      external_(names_, options_.answers.ttl),
      resolver_(std::make_shared<NameResolver>(loop, names_.cache, options_.times)) {}

void Upstreams::start() {
  readHosts();
  configure();
  auto follow = [this](const std::string& path, auto onChange) {
    watchFile(loop_, path, [weak = weak_from_this(), onChange] {
      if (auto self = weak.lock()) onChange(*self);
    });
  };
  follow(options_.resolvConf, [](Upstreams& self) { self.configure(); });
  if (!options_.forward.hostsFile.empty()) {
    follow(options_.forward.hostsFile, [](Upstreams& self) {
      self.readHosts();
      self.configure();
    });
  }
}

void Upstreams::setConfigMap(DnsConfigMap configMap) {
  loop_.post([self = shared_from_this(), configMap = std::move(configMap)] {
    for (const std::string& mistake : configMap.mistakes) kLog.warn("ConfigMap kube-system/kube-dns: {}", mistake);
    self->configMap_ = configMap;
    self->readHosts();
    self->configure();
  });
}

void Upstreams::readHosts() {
  HostsTable table;
  for (const auto& [name, address] : options_.forward.hosts) table.add(name, address);
  auto read = [&](const std::string& text, const std::string& from) {
    if (auto parsed = table.addText(text); parsed.wrongLines > 0) {
      kLog.warn("{}: {} lines are no hosts entries", from, parsed.wrongLines);
    }
  };
  if (const std::string& path = options_.forward.hostsFile; !path.empty()) {
    read(base::readFileIfExists(path).value_or(""), path);
  }
  read(configMap_.hosts, "ConfigMap kube-system/kube-dns");
  names_.hosts.publish(std::move(table));
}

UpstreamList Upstreams::readNodesResolvers() {
  std::string text = base::readFileIfExists(options_.resolvConf).value_or("");
  std::vector<std::string> servers = parseNameservers(text, options_.own);
  if (servers.empty()) servers = parseNameservers(base::readFileIfExists(kBehindStub).value_or(""), options_.own);
  names_.nodeSearch.publish(parseSearchDomains(text));
  UpstreamList list;
  for (const std::string& server : servers) {
    if (auto upstream = parseUpstream(server, options_.port)) list.push_back(*upstream);
  }
  return list;
}

std::shared_ptr<const net::TlsContext> Upstreams::tlsFor(const std::vector<StubDomain>& routes) {
  auto overTls = [](const Upstream& upstream) { return upstream.protocol == Upstream::Protocol::kTls; };
  bool needed = std::any_of(routes.begin(), routes.end(), [&](const StubDomain& route) {
    return std::any_of(route.upstreams.begin(), route.upstreams.end(), overTls);
  });
  if (!needed || tls_) return tls_;
  const std::string& file = options_.forward.tlsCaFile;
  return net::newTlsClient({.caPem = base::readFile(file.empty() ? kSystemAuthorities : file), .protocol = "dot"});
}

void Upstreams::configure() {
  auto routes = decideRoutes(options_.forward, configMap_, readNodesResolvers(), options_.own);
  bool changed = !sameRoutes(routes, routes_);
  if (changed || routes.empty()) kLog.info("names outside of the cluster: {}", describe(routes));
  try {
    tls_ = tlsFor(routes);
  } catch (const std::exception& error) {
    // Never without knowing whom: then those over TLS are not asked at all.
    kLog.warn("no resolver is asked over TLS: {}", error.what());
    for (StubDomain& route : routes) {
      std::erase_if(route.upstreams, [](const Upstream& u) { return u.protocol == Upstream::Protocol::kTls; });
    }
    std::erase_if(routes, [](const StubDomain& route) { return route.upstreams.empty(); });
  }
  // What others said may not hold here. Without anybody to ask, what is known is all there is.
  if (changed && !routes.empty()) names_.cache.clear();
  if (!routes.empty() || !names_.hosts.load()->empty()) {
    names_.any = true;
    answerer_.setUpstream(true);
  }
  routes_ = routes;
  resolver_->setRoutes(std::move(routes), tls_);
}

bool Upstreams::post(Request request, Reply reply) {
  if (posted_.fetch_add(1, std::memory_order_relaxed) >= kMaxPosted) {
    posted_.fetch_sub(1, std::memory_order_relaxed);
    forwardCounts().rejected.add();
    return false;
  }
  return loop_.post([self = shared_from_this(), request = std::move(request), reply = std::move(reply)] {
    self->walk(request, reply);
  });
}

void Upstreams::refresh(const dns::Name& name, const dns::Query& query) {
  loop_.post([self = shared_from_this(), question = questionOf(name, query)] { self->resolver_->refresh(question); });
}

void Upstreams::done(const Request& request) {
  posted_.fetch_sub(1, std::memory_order_relaxed);
  auto at = ofClient_.find(request.client);
  if (--at->second == 0) ofClient_.erase(at);
}

// Leaves in the writer what the zone of this moment says.
Outcome Upstreams::answerAgain(const Request& request, const dns::Query& query) {
  Outcome outcome = answerer_.answer(zone_.newest(), query, request.limit, writer_);
  if (request.ns.empty() || outcome != Outcome::kAnswered || writer_.rcode() != dns::Rcode::kNxDomain) return outcome;
  return answerer_.search(zone_.newest(), query, request.ns, request.limit, writer_);
}

void Upstreams::walk(Request request, Reply reply) {
  auto walk = std::make_shared<Walk>(Walk{std::move(request), std::move(reply), {}, {}, 0});
  size_t& ofClient = ofClient_[walk->request.client];
  ++ofClient;
  auto query = dns::Query::read(walk->request.packet);
  walk->outcome = answerAgain(walk->request, *query);
  if (walk->outcome == Outcome::kAnswered || ofClient > kMaxOfClient) {
    if (walk->outcome != Outcome::kAnswered) writer_.setRcode(dns::Rcode::kServFail);
    walk->reply(writer_.finish());
    return done(walk->request);
  }
  walk->names = external_.candidates(*query, walk->outcome, answerer_.target());
  step(walk);
}

void Upstreams::step(const std::shared_ptr<Walk>& walk) {
  const dns::Name& name = walk->names[walk->next++];
  if (external_.isHost(name)) return finish(*walk, &name, {});
  auto query = dns::Query::read(walk->request.packet);
  resolver_->resolve(questionOf(name, *query), [self = shared_from_this(), walk](const Resolved& resolved) {
    const dns::Name& asked = walk->names[walk->next - 1];
    bool found = walk->outcome != Outcome::kSearch || ExternalAnswerer::endsSearch(resolved);
    if (found) return self->finish(*walk, &asked, resolved);
    if (walk->next < walk->names.size()) return self->step(walk);
    self->finish(*walk, nullptr, resolved);
  });
}

// `name`: whose answer it is; null: a search found nothing, and the zone's own answer stands.
void Upstreams::finish(const Walk& walk, const dns::Name* name, const Resolved& resolved) {
  auto query = dns::Query::read(walk.request.packet);
  bool failed = walk.outcome == Outcome::kForward && resolved.reply && resolved.reply->rcode() == dns::Rcode::kServFail;
  if (failed) {
    // What can be said without anybody else: SERVFAIL, or that a private address has no name.
    answerer_.setUpstream(false);
    answerAgain(walk.request, *query);
    answerer_.setUpstream(true);
    writer_.setRecursionAvailable();
  } else if (answerAgain(walk.request, *query) == walk.outcome && name) {
    external_.write(*query, walk.outcome, *name, resolved, walk.request.limit, writer_);
  }
  walk.reply(writer_.finish());
  done(walk.request);
}

}  // namespace wherry::clusterdns
