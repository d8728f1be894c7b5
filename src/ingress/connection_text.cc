#include "ingress/connection_text.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "ingress/port_text.h"
#include "ingress/quoting.h"

namespace wherry::ingress {
namespace {

std::string hostWords(const HostPattern& host) {
  if (!host.name.starts_with("*.")) return "-m str -- " + word(host.name);
  std::string suffix = host.name.substr(1);
  if (host.anyDepth) return "-m end -- " + word(suffix);
  std::string regex = "^[^.]+";
  for (char c : suffix) regex += c == '.' ? std::string("\\.") : std::string(1, c);
  return "-m reg -- " + word(regex + "$");
}

// The most particular name first.
std::vector<const Passthrough*> inOrder(const std::vector<Passthrough>& passthroughs) {
  std::vector<const Passthrough*> order;
  for (const Passthrough& each : passthroughs) order.push_back(&each);
  auto rank = [](const Passthrough* each) {
    return std::pair(each->host.name.starts_with("*") || each->host.name.empty(),
                     -static_cast<ptrdiff_t>(each->host.name.size()));
  };
  std::stable_sort(order.begin(), order.end(), [&](const auto* a, const auto* b) { return rank(a) < rank(b); });
  return order;
}

// The connections of a frontend by the names that they ask for, in sess.sni.
class Connections {
 public:
  Connections(const Port& port, const FrontendContext& context, ConfigText& text)
      : context_(context), text_(text), clients_(port, context.settings, text) {}

  void lead(const Passthrough& each) {
    const std::string acl = nameOf(each);
    for (base::IpFamily family : each.to.preserveClientIp) {
      text_.line("  use_backend {} if {} {}", context_.preservingPassthroughSectionOf(each, family),
                 clients_.conditions().at(family), acl);
    }
    text_.line("  use_backend {}{}{}", context_.passthroughSectionOf(each), acl.empty() ? "" : " if ", acl);
  }

  void leadTo(const std::string& backend, const Passthrough& each) {
    const std::string acl = nameOf(each);
    text_.line("  use_backend {}{}{}", backend, acl.empty() ? "" : " if ", acl);
  }

 private:
  std::string nameOf(const Passthrough& each) {
    text_.about(each.origin);
    if (each.host.name.empty()) return "";
    std::string acl = text_.nextAcl();
    text_.line("  acl {} var(sess.sni) {}", acl, hostWords(each.host));
    return acl;
  }

  const FrontendContext& context_;
  ConfigText& text_;
  PreservedClients clients_;
};

using End = Passthrough::End;

bool hasAny(const Port& port, End end) {
  return std::any_of(port.passthroughs.begin(), port.passthroughs.end(),
                     [&](const Passthrough& each) { return each.end == end; });
}

// Nothing but streams ends at the port: they need no other frontend before theirs.
bool hasStreamsAlone(const Port& port) {
  return hasAny(port, End::kHere) && !hasAny(port, End::kBackend) && port.routes.empty();
}

void renderClosed(const Port& port, ConfigText& text) {
  text.line("backend closed-{}", port.number);
  text.line("  mode tcp");
  text.line("  tcp-request content reject");
}

// One of our own frontends behind the port's, by a socket of our own.
void renderOwn(const std::string& name, const std::string& socket, ConfigText& text) {
  text.line("backend {}", name);
  text.line("  mode tcp");
  text.line("  server inner {} send-proxy-v2", socket);
}

std::string streamSocket(const Port& port) { return fmt::format("abns@wherry-{}-stream", port.number); }

// TLS that is handed on, and what is left for us.
void renderPassthroughs(const Port& port, const FrontendContext& context, ConfigText& text) {
  text.line("frontend port-{}", port.number);
  text.line("  mode tcp");
  renderBinds(port, context.settings, "", text);
  text.line("  tcp-request inspect-delay 5s");
  text.line("  tcp-request content set-var(sess.sni) req.ssl_sni,lower");
  text.line("  tcp-request content reject unless {{ req.ssl_hello_type 1 }}");
  const std::string closed = fmt::format("closed-{}", port.number), inner = fmt::format("inner-{}", port.number),
                    stream = fmt::format("stream-{}", port.number);
  Connections connections(port, context, text);
  for (const Passthrough* each : inOrder(port.passthroughs)) {
    if (each->end == End::kBackend) connections.lead(*each);
    if (each->end == End::kHere) connections.leadTo(stream, *each);
    if (each->end == End::kRoutes) connections.leadTo(port.routes.empty() ? closed : inner, *each);
    if (each->end == End::kRefused) connections.leadTo(closed, *each);
  }
  if (!port.routes.empty()) text.line("  default_backend {}", inner);
  if (!port.routes.empty()) renderOwn(inner, innerSocket(port), text);
  if (hasAny(port, End::kHere)) renderOwn(stream, streamSocket(port), text);
  if (hasAny(port, End::kRefused) || hasAny(port, End::kRoutes)) renderClosed(port, text);
}

// TLS that is ended here, whatever is in it.
void renderStreams(const Port& port, const FrontendContext& context, ConfigText& text) {
  const bool isAlone = hasStreamsAlone(port);
  text.line("frontend {}-{}", isAlone ? "port" : "stream", port.number);
  text.line("  mode tcp");
  if (isAlone) {
    renderBinds(port, context.settings, tlsWords(port, context), text);
  } else {
    text.line("  bind {} accept-proxy{}", streamSocket(port), tlsWords(port, context));
  }
  text.line("  tcp-request content set-var(sess.sni) ssl_fc_sni,lower");
  Connections connections(port, context, text);
  for (const Passthrough* each : inOrder(port.passthroughs)) {
    if (each->end == End::kHere) connections.lead(*each);
    if (each->end != End::kHere && isAlone) connections.leadTo(fmt::format("closed-{}", port.number), *each);
  }
  if (isAlone) renderClosed(port, text);
}

}  // namespace

std::string innerSocket(const Port& port) { return fmt::format("abns@wherry-{}", port.number); }

std::string tlsWords(const Port& port, const FrontendContext& context) {
  std::string file = fmt::format("certs/{}.list", port.number);
  context.files[file] = certificateList(port, context.settings);
  return fmt::format(" ssl crt-list {}/{}", context.settings.directory, file);
}

void renderConnections(const Port& port, const FrontendContext& context, ConfigText& text) {
  if (!hasStreamsAlone(port)) renderPassthroughs(port, context, text);
  if (hasAny(port, End::kHere)) renderStreams(port, context, text);
}

}  // namespace wherry::ingress
