#include "apiserver/port_forward.h"

#include <chrono>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "base/guarded.h"
#include "base/strings.h"
#include "meta/status.h"
#include "net/spdy_session.h"

namespace wherry::apiserver {
namespace {

constexpr std::chrono::seconds kStreamCreationTime{30};

// Has a stream delivered to its end although nobody holds it.
void holdUntilOver(const net::SpdyStreamPtr& stream) {
  stream->onRead([](std::string_view) {});
  stream->onEnd([] {});
  stream->onClosed([stream] {});
}

std::optional<uint16_t> portOf(const net::Headers& fields) {
  auto port = base::parseInt<uint16_t>(fields.get("port"));
  return port && *port > 0 ? port : std::nullopt;
}

bool isForwardStream(const net::Headers& fields) {
  auto type = fields.get("streamType");
  return portOf(fields) && (type == "data" || type == "error");
}

bool isError(const net::SpdyStream& stream) { return stream.fields().get("streamType") == "error"; }

// Clients before 1.3 number nothing: a pair is an error stream and the data stream right behind it.
std::string requestOf(const net::SpdyStream& stream) {
  auto request = stream.fields().get("requestID");
  if (!request.empty()) return std::string(request);
  return std::to_string(isError(stream) ? stream.id() : stream.id() - 2);
}

class SpdyPortForward : public std::enable_shared_from_this<SpdyPortForward> {
 public:
  SpdyPortForward(ForwardTarget target, Dispatcher& dispatcher) : target_(std::move(target)), dispatcher_(dispatcher) {}

  void begin(std::shared_ptr<net::RawConnection> connection) {
    net::startSpdySession(
        std::move(connection),
        {isForwardStream, [self = shared_from_this()](net::SpdyStreamPtr stream) { self->add(std::move(stream)); },
         [self = shared_from_this()] { self->lost(); }});
  }

 private:
  struct Pair {
    net::SpdyStreamPtr data, error;
    Dispatcher::Timer timer = 0;
  };
  using Pairs = std::map<std::string, Pair>;

  void add(net::SpdyStreamPtr stream);
  void expire(const std::string& request);
  void lost();
  void connect(const Pair& pair);

  const ForwardTarget target_;
  Dispatcher& dispatcher_;
  base::Guarded<Pairs> pairs_;  // that are not complete
};

void SpdyPortForward::add(net::SpdyStreamPtr stream) {
  std::string request = requestOf(*stream);
  bool isErrorStream = isError(*stream);
  if (isErrorStream) holdUntilOver(stream);
  Pair complete;
  net::SpdyStreamPtr complainOn;
  bool created = false;
  pairs_.with([&](Pairs& pairs) {
    auto [at, isNew] = pairs.try_emplace(request);
    created = isNew;
    auto& place = isErrorStream ? at->second.error : at->second.data;
    if (place) {
      complainOn = at->second.error ? at->second.error : stream;
      return;
    }
    place = std::move(stream);
    if (!at->second.data || !at->second.error) return;
    complete = std::move(at->second);
    pairs.erase(at);
  });
  if (complainOn) {
    complainOn->write(fmt::format("error processing stream for request {}: {} stream already assigned", request,
                                  isErrorStream ? "error" : "data"));
  }
  if (created) {
    auto timer = dispatcher_.after(kStreamCreationTime, [self = weak_from_this(), request] {
      if (auto forward = self.lock()) forward->expire(request);
    });
    pairs_.with([&](Pairs& pairs) { pairs[request].timer = timer; });
  }
  if (!complete.data) return;
  dispatcher_.cancel(complete.timer);
  connect(complete);
}

void SpdyPortForward::expire(const std::string& request) {
  auto node = pairs_.with([&](Pairs& pairs) { return pairs.extract(request); });
  if (node.empty() || !node.mapped().error) return;
  node.mapped().error->write(fmt::format("(request={}) timed out waiting for streams", request));
  node.mapped().error->finish();
}

void SpdyPortForward::lost() {
  auto pairs = pairs_.with([](Pairs& all) { return std::exchange(all, {}); });
  for (const auto& [request, pair] : pairs) dispatcher_.cancel(pair.timer);
}

void SpdyPortForward::connect(const Pair& pair) {
  uint16_t port = *portOf(pair.data->fields());
  auto self = shared_from_this();
  dialPod(target_, port, [self, port, data = pair.data, error = pair.error](auto stream, const std::string& why) {
    if (stream) return net::splice(data, std::move(stream), [error] { error->finish(); });
    holdUntilOver(data);
    error->write(forwardError(self->target_, port, why));
    error->finish();
    data->finish();
  });
}

}  // namespace

std::string forwardError(const ForwardTarget& target, uint16_t port, std::string_view why) {
  return fmt::format("error forwarding port {} to pod {}, uid {}: {}", port, target.pod, target.podUid, why);
}

void startSpdyPortForward(std::shared_ptr<net::RawConnection> connection, ForwardTarget target,
                          Dispatcher& dispatcher) {
  std::make_shared<SpdyPortForward>(std::move(target), dispatcher)->begin(std::move(connection));
}

}  // namespace wherry::apiserver
