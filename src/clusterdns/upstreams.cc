#include "clusterdns/upstreams.h"

#include <filesystem>

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/log.h"
#include "base/random.h"
#include "clusterdns/resolv_conf.h"

namespace wherry::clusterdns {
namespace {

const base::Log kLog("clusterdns");

// Where systemd-resolved names the real servers when resolv.conf only names its loopback stub.
constexpr const char* kBehindStub = "/run/systemd/resolve/resolv.conf";

uint16_t randomId() { return static_cast<uint16_t>(base::randomBelow(65536)); }

}  // namespace

Upstreams::Upstreams(net::EventLoop& loop, const SharedZone& zone, AnswerOptions answers, std::string resolvConf,
                     std::string own, uint16_t port)
    : loop_(loop),
      zone_(zone),
      answerer_(answers, base::randomBelow(UINT32_MAX)),
      forwarder_(loop, port),
      resolvConf_(std::move(resolvConf)),
      own_(std::move(own)) {}

void Upstreams::start() {
  readServers();
  watch_.reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  // The directory, since editors and resolvconf replace the file.
  std::string directory = std::filesystem::path(resolvConf_).parent_path();
  if (!watch_ || ::inotify_add_watch(watch_.get(), directory.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO) < 0) {
    kLog.warn("changes of {} will not be seen", resolvConf_);
    return;
  }
  loop_.add(watch_.get(), EPOLLIN, shared_from_this());
}

void Upstreams::onReady(uint32_t) {
  alignas(inotify_event) char buffer[4096];
  std::string name = std::filesystem::path(resolvConf_).filename();
  bool changed = false;
  for (ssize_t size; (size = ::read(watch_.get(), buffer, sizeof buffer)) > 0;) {
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      changed |= event->len > 0 && name == event->name;
      at += static_cast<ssize_t>(sizeof *event + event->len);
    }
  }
  if (changed) readServers();
}

void Upstreams::readServers() {
  std::vector<std::string> servers = parseNameservers(base::readFileIfExists(resolvConf_).value_or(""), own_);
  if (servers.empty()) servers = parseNameservers(base::readFileIfExists(kBehindStub).value_or(""), own_);
  kLog.info("names outside of the cluster: {}",
            servers.empty() ? "no resolver to ask" : fmt::format("asked of {}", fmt::join(servers, ", ")));
  available_ = !servers.empty();
  answerer_.setUpstream(!servers.empty());
  forwarder_.setServers(std::move(servers));
}

void Upstreams::post(std::string packet, Outcome outcome, dns::Name target, Transport transport, size_t limit,
                     Reply reply) {
  loop_.post([self = shared_from_this(), packet = std::move(packet), outcome, target = std::move(target), transport,
              limit, reply = std::move(reply)] {
    if (outcome == Outcome::kForward)
      self->forward(packet, transport, limit, reply);
    else
      self->resolveTarget(packet, target, transport, limit, reply);
  });
}

void Upstreams::forward(const std::string& packet, Transport transport, size_t limit, const Reply& reply) {
  forwarder_.ask(packet, transport, [this, self = shared_from_this(), packet, limit, reply](auto answer) {
    if (answer && answer->size() <= limit) return reply(*answer);
    auto query = dns::Query::read(packet);
    if (answer) {
      writer_.reset(*query, limit);
      writer_.setRecursionAvailable();
      writer_.setTruncated();
    } else {
      // What can be said without anybody else: SERVFAIL, or that a private address has no name.
      answerer_.setUpstream(false);
      answerer_.answer(zone_.newest(), *query, limit, writer_);
      answerer_.setUpstream(available());
    }
    reply(writer_.finish());
  });
}

void Upstreams::resolveTarget(const std::string& packet, const dns::Name& target, Transport transport, size_t limit,
                              const Reply& reply) {
  auto query = dns::Query::read(packet);
  std::string question = dns::writeQuery(randomId(), target, query->qtype(), dns::kMaxUdpSize);
  forwarder_.ask(question, transport, [this, self = shared_from_this(), packet, limit, reply](auto answer) {
    auto original = dns::Query::read(packet);
    answerer_.answer(zone_.newest(), *original, limit, writer_);
    auto message = answer ? dns::readMessage(*answer) : std::nullopt;
    if (message && message->truncated) writer_.setTruncated();
    for (size_t i = 0; message && i < message->answer.size(); ++i) {
      if (!writer_.addRecord(dns::Section::kAnswer, message->answer[i])) break;
    }
    reply(writer_.finish());
  });
}

}  // namespace wherry::clusterdns
