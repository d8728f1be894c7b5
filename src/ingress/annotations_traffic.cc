// Annotations about how a backend is spoken to.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/strings.h"
#include "ingress/annotation_rule.h"
#include "ingress/annotation_values.h"
#include "ingress/ingress_paths.h"
#include "views/core_v1.h"

namespace wherry::ingress {
namespace {

using std::chrono::seconds;

constexpr uint32_t kLongestSeconds = 7 * 24 * 3600;
constexpr seconds kUsualTimeOut{60};

std::string readSeconds(std::string_view value, seconds& into) {
  const auto count = readCount(value);
  if (!count || *count == 0 || *count > kLongestSeconds) return "is not a number of seconds";
  into = seconds(*count);
  return "";
}

std::string readConnect(AnnotationDraft& draft, std::string_view value) {
  seconds read{};
  auto fault = readSeconds(value, read);
  draft.settings.to.timeOuts.connect = read;
  return fault;
}

std::string readRead(AnnotationDraft& draft, std::string_view value) {
  return readSeconds(value, draft.readTimeOut.emplace());
}

std::string readSend(AnnotationDraft& draft, std::string_view value) {
  return readSeconds(value, draft.sendTimeOut.emplace());
}

std::string readTries(AnnotationDraft& draft, std::string_view value) {
  const auto tries = readCount(value);
  if (!tries || *tries > 100) return "is not a number from 0 to 100";
  if (*tries > 0) draft.settings.to.retries = static_cast<int>(*tries) - 1;
  return "";
}

std::string readNextUpstream(AnnotationDraft& draft, std::string_view value) {
  if (value == "off") {
    draft.settings.to.retries = 0;
    return "";
  }
  return value == "error timeout" ? ""
                                  : "names conditions other than \"error timeout\", after which nothing is tried again";
}

std::string readBodySize(AnnotationDraft& draft, std::string_view value) {
  const auto size = readSize(value);
  if (!size) return "is not a size (\"8m\")";
  draft.settings.to.bodyLimit = *size;
  return "";
}

std::string readProtocol(AnnotationDraft& draft, std::string_view value) {
  struct Known {
    std::string_view name;
    Protocol protocol;
  };
  constexpr std::array kKnown = {Known{"HTTP", Protocol::kHttp}, Known{"HTTPS", Protocol::kHttps},
                                 Known{"GRPC", Protocol::kHttp2}, Known{"GRPCS", Protocol::kHttps2}};
  for (const Known& each : kKnown) {
    if (base::equalsIgnoreCase(each.name, value)) draft.settings.protocol = each.protocol;
  }
  return draft.settings.protocol ? "" : "is none of HTTP, HTTPS, GRPC and GRPCS, the only ones that can be spoken";
}

std::string readRequestBuffering(AnnotationDraft& draft, std::string_view value) {
  const auto on = readSwitch(value);
  if (!on) return "is neither \"on\" nor \"off\"";
  draft.settings.to.bufferRequest = *on;
  return "";
}

std::string readUpstreamHost(AnnotationDraft& draft, std::string_view value) {
  if (!isAuthority(value)) return "is not the name of a host";
  draft.settings.to.host = value;
  return "";
}

std::string readForwardedPrefix(AnnotationDraft& draft, std::string_view value) {
  if (!isUriText(value) || value.find('$') != std::string_view::npos) return "is not a plain path";
  draft.settings.to.headers.push_back({.name = "X-Forwarded-Prefix", .value = std::string(value)});
  return "";
}

std::string readLoadBalance(AnnotationDraft& draft, std::string_view value) {
  Backend& to = draft.settings.to;
  if (value == "round_robin") return "";
  if (value == "least_conn") {
    to.balance = Balance::kLeastConnections;
  } else if (value == "ip_hash") {
    to.balance = Balance::kHash;
    to.hash = {HashPart{.of = HashPart::Of::kSource}};
  } else {
    return "is none of round_robin, least_conn and ip_hash";
  }
  return "";
}

// One of nginx's variables; nothing for one that can't be hashed by.
std::optional<HashPart> hashPart(std::string_view variable) {
  const auto rest = [&](std::string_view prefix) { return std::string(variable.substr(prefix.size())); };
  using Of = HashPart::Of;
  if (variable == "request_uri") return HashPart{Of::kUri, ""};
  if (variable == "uri" || variable == "document_uri") return HashPart{Of::kPath, ""};
  if (variable == "host" || variable == "http_host") return HashPart{Of::kHost, ""};
  if (variable == "remote_addr" || variable == "binary_remote_addr") return HashPart{Of::kSource, ""};
  if (variable.starts_with("cookie_") && variable.size() > 7) return HashPart{Of::kCookie, rest("cookie_")};
  if (variable.starts_with("arg_") && variable.size() > 4) return HashPart{Of::kQuery, rest("arg_")};
  if (!variable.starts_with("http_") || variable.size() == 5) return std::nullopt;
  std::string header = rest("http_");
  std::replace(header.begin(), header.end(), '_', '-');
  return HashPart{Of::kHeader, std::move(header)};
}

// Fixed text between the variables leads nobody elsewhere.
std::string readHashBy(AnnotationDraft& draft, std::string_view value) {
  std::vector<HashPart> parts;
  for (size_t at = value.find('$'); at != std::string_view::npos; at = value.find('$', at)) {
    ++at;
    const bool braced = at < value.size() && value[at] == '{';
    if (braced) ++at;
    const size_t end = std::min(value.find_first_not_of("abcdefghijklmnopqrstuvwxyz"
                                                        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_",
                                                        at),
                                value.size());
    auto part = hashPart(value.substr(at, end - at));
    if (!part || (braced && (end == value.size() || value[end] != '}'))) {
      return "has a variable that requests can't be told apart by here";
    }
    parts.push_back(std::move(*part));
    at = end;
  }
  if (parts.empty()) return "names nothing that requests could be told apart by";
  draft.settings.to.balance = Balance::kHash;
  draft.settings.to.hash = std::move(parts);
  return "";
}

std::string readProxyProtocol(AnnotationDraft& draft, std::string_view value) {
  if (value != "v1" && value != "v2") return "is neither \"v1\" nor \"v2\"";
  draft.settings.to.proxyProtocol = value == "v1" ? 1 : 2;
  return "";
}

std::string readPreserveClientIp(AnnotationDraft& draft, std::string_view value) {
  draft.settings.preserveClientIp = readBool(value);
  return draft.settings.preserveClientIp ? "" : "is neither \"true\" nor \"false\"";
}

std::string readRouteToPod(AnnotationDraft& draft, std::string_view value) {
  if (value != "host" && value != "path") return "is neither \"host\" nor \"path\"";
  draft.settings.to.podRouting = value == "host" ? PodRouting::kHost : PodRouting::kPath;
  return "";
}

std::string readUseRegex(AnnotationDraft& draft, std::string_view value) {
  const auto is = readBool(value);
  draft.settings.useRegex = is.value_or(false);
  return is ? "" : "is neither \"true\" nor \"false\"";
}

std::string readRewriteTarget(AnnotationDraft& draft, std::string_view value) {
  if (!isRewriteTarget(value)) return "is not a path, in which $1 to $9 may stand for parts of the former one";
  draft.settings.rewriteTarget = value;
  return "";
}

std::string readTlsSecret(AnnotationDraft& draft, std::string_view value) {
  draft.tlsSecret = value;
  return "";
}

std::string readTlsName(AnnotationDraft& draft, std::string_view value) {
  if (!isHostName(base::toLower(value))) return "is not the name of a host";
  draft.tlsName = value;
  return "";
}

std::string readTlsVerify(AnnotationDraft& draft, std::string_view value) {
  const auto on = readSwitch(value);
  draft.tlsVerify = on.value_or(false);
  return on ? "" : "is neither \"on\" nor \"off\"";
}

constexpr std::array kRules = {
    AnnotationRule{"backend-protocol", readProtocol},
    AnnotationRule{"load-balance", readLoadBalance},
    AnnotationRule{"preserve-client-ip", readPreserveClientIp},
    AnnotationRule{"proxy-body-size", readBodySize, Matter::kProtection},
    AnnotationRule{"proxy-connect-timeout", readConnect},
    AnnotationRule{"proxy-next-upstream", readNextUpstream},
    AnnotationRule{"proxy-next-upstream-tries", readTries},
    AnnotationRule{"proxy-read-timeout", readRead},
    AnnotationRule{"proxy-request-buffering", readRequestBuffering},
    AnnotationRule{"proxy-send-timeout", readSend},
    AnnotationRule{"proxy-ssl-name", readTlsName, Matter::kProtection},
    AnnotationRule{"proxy-ssl-secret", readTlsSecret},
    AnnotationRule{"proxy-ssl-verify", readTlsVerify, Matter::kProtection},
    AnnotationRule{"rewrite-target", readRewriteTarget},
    AnnotationRule{"route-to-pod", readRouteToPod},
    AnnotationRule{"send-proxy-protocol", readProxyProtocol},
    AnnotationRule{"upstream-hash-by", readHashBy},
    AnnotationRule{"upstream-vhost", readUpstreamHost},
    AnnotationRule{"use-regex", readUseRegex},
    AnnotationRule{"x-forwarded-prefix", readForwardedPrefix},
};

std::string dataOf(const core_v1::Secret& secret, std::string_view key) {
  return base::decodeBase64(secret.data().get(key)).value_or("");
}

void readBackendSecret(AnnotationFinish& finish, BackendTls& tls) {
  const core_v1::Secret secret(finish.secret("proxy-ssl-secret", finish.draft().tlsSecret));
  if (!secret) return;
  auto take = [&](const CertificatePtr& read, std::string& into) {
    into = read->pem;
    if (read->fault.empty()) return;
    finish.complain("InvalidCertificate",
                    fmt::format("Secret \"{}\" for backends: {}", secret.metadata().name(), read->fault),
                    Matter::kProtection);
  };
  const Sources& sources = finish.sources();
  if (finish.draft().tlsVerify) take(sources.authorities(dataOf(secret, "ca.crt")), tls.caPem);
  if (!secret.data().has("tls.crt")) return;
  take(sources.certificate(dataOf(secret, "tls.crt"), dataOf(secret, "tls.key")), tls.clientPem);
}

void finishBackendTls(AnnotationFinish& finish) {
  const AnnotationDraft& draft = finish.draft();
  if (draft.tlsSecret.empty() && draft.tlsName.empty() && !draft.tlsVerify) return;
  BackendTls& tls = finish.settings().to.tls.emplace();
  tls.serverName = draft.tlsName;
  if (!draft.tlsSecret.empty()) return readBackendSecret(finish, tls);
  if (!draft.tlsVerify) return;
  finish.complain("InvalidAnnotation",
                  "proxy-ssl-verify asks for what only an authority's certificate can say: proxy-ssl-secret names none",
                  Matter::kProtection);
}

}  // namespace

std::span<const AnnotationRule> trafficAnnotations() { return kRules; }

void finishTraffic(AnnotationFinish& finish) {
  const AnnotationDraft& draft = finish.draft();
  TimeOuts& timeOuts = finish.settings().to.timeOuts;
  if (draft.readTimeOut) timeOuts.read = *draft.readTimeOut;
  // One limit for both directions: the longer one, and never less than what the other is by itself.
  if (draft.sendTimeOut) {
    const auto longest = std::max(*draft.sendTimeOut, draft.readTimeOut.value_or(kUsualTimeOut));
    if (draft.readTimeOut || longest != kUsualTimeOut) timeOuts.read = longest;
  }
  finishBackendTls(finish);
}

}  // namespace wherry::ingress
