// Annotations of ingress-nginx that are known and can't be honoured.
#include <algorithm>
#include <array>

#include "ingress/annotation_rule.h"

namespace wherry::ingress {
namespace {

constexpr auto kGuard = Matter::kProtection;
constexpr const char* kSnippet = "the configuration is no nginx's";
constexpr const char* kStreams = "answers are handed on as they come";
constexpr const char* kAsk = "no other server can be asked for permission";
constexpr const char* kClientCertificates = "clients aren't asked for certificates";
constexpr const char* kFirewall = "there is no ModSecurity";
constexpr const char* kTracing = "there is no tracing";
constexpr const char* kMirror = "requests can't be sent to a second server";
constexpr const char* kTls = "TLS with backends is as the system's OpenSSL has it";
constexpr const char* kLog = "logs can't be chosen for one Ingress";
constexpr const char* kSubset = "there are no subsets of endpoints";
constexpr const char* kFastCgi = "FastCGI isn't spoken";
constexpr const char* kGlobal = "no count is shared with other machines";

constexpr std::array kUnsupported = {
    UnsupportedAnnotation{"affinity-canary-behavior", "legacy", "a client of a canary isn't kept there"},
    UnsupportedAnnotation{"affinity-mode", "balanced|persistent", "it is neither \"balanced\" nor \"persistent\""},
    UnsupportedAnnotation{"auth-always-set-cookie|auth-keepalive-share-vars", "false", kAsk},
    UnsupportedAnnotation{"auth-cache-duration|auth-cache-key|auth-keepalive-requests|auth-keepalive-timeout|"
                          "auth-method|auth-proxy-set-headers|auth-request-redirect|auth-response-headers|"
                          "auth-signin|auth-signin-redirect-param|auth-snippet",
                          "", kAsk},
    UnsupportedAnnotation{"auth-keepalive", "0", kAsk},
    UnsupportedAnnotation{"auth-tls-error-page|auth-tls-match-cn|auth-tls-verify-depth", "", kClientCertificates},
    UnsupportedAnnotation{"auth-tls-pass-certificate-to-upstream", "false", kClientCertificates},
    UnsupportedAnnotation{"auth-tls-secret", "", kClientCertificates, kGuard},
    UnsupportedAnnotation{"auth-tls-verify-client", "off", kClientCertificates},
    UnsupportedAnnotation{"auth-url", "", kAsk, kGuard},
    UnsupportedAnnotation{"client-body-buffer-size", "", "the size of buffers is the same for all"},
    UnsupportedAnnotation{"configuration-snippet|server-snippet|stream-snippet", "", kSnippet},
    UnsupportedAnnotation{"connection-proxy-header", "", "the Connection header is no backend's matter"},
    UnsupportedAnnotation{"custom-headers", "", "headers of a ConfigMap aren't added"},
    UnsupportedAnnotation{"custom-http-errors", "", "pages of errors aren't replaced"},
    UnsupportedAnnotation{"default-backend", "", "a Service without endpoints is answered for with 503"},
    UnsupportedAnnotation{"disable-proxy-intercept-errors|enable-global-auth|preserve-trailing-slash", "true|false",
                          ""},
    UnsupportedAnnotation{"enable-access-log|enable-rewrite-log", "false", kLog},
    UnsupportedAnnotation{"enable-influxdb|enable-opentelemetry|enable-opentracing", "false", kTracing},
    UnsupportedAnnotation{"enable-modsecurity|enable-owasp-core-rules", "false", kFirewall, kGuard},
    UnsupportedAnnotation{"fastcgi-index|fastcgi-params-configmap", "", kFastCgi},
    UnsupportedAnnotation{"global-rate-limit", "0", kGlobal, kGuard},
    UnsupportedAnnotation{"global-rate-limit-ignored-cidrs|global-rate-limit-key|global-rate-limit-window", "",
                          kGlobal},
    UnsupportedAnnotation{"http2-push-preload", "false", "browsers have given up HTTP/2's pushes"},
    UnsupportedAnnotation{"limit-rate|limit-rate-after", "0", "answers are sent as fast as they come"},
    UnsupportedAnnotation{"mirror-host|mirror-target", "", kMirror},
    UnsupportedAnnotation{"mirror-request-body", "off", kMirror},
    UnsupportedAnnotation{"modsecurity-snippet", "", kFirewall, kGuard},
    UnsupportedAnnotation{"modsecurity-transaction-id", "", kFirewall},
    UnsupportedAnnotation{"opentelemetry-operation-name|opentelemetry-trust-incoming-span|"
                          "opentracing-trust-incoming-span",
                          "", kTracing},
    UnsupportedAnnotation{"proxy-buffer-size|proxy-buffers-number|proxy-busy-buffers-size", "", kStreams},
    UnsupportedAnnotation{"proxy-buffering", "off|false", kStreams},
    UnsupportedAnnotation{"proxy-cookie-domain|proxy-cookie-path", "off", "cookies of backends stay as they are"},
    UnsupportedAnnotation{"proxy-http-version", "1.1", "HTTP/1.1 is spoken, or HTTP/2 where backend-protocol says so"},
    UnsupportedAnnotation{"proxy-max-temp-file-size", "0", kStreams},
    UnsupportedAnnotation{"proxy-next-upstream-timeout", "0", "the number of tries is the only limit"},
    UnsupportedAnnotation{"proxy-redirect-from|proxy-redirect-to", "off|default",
                          "redirects of backends stay as they are"},
    UnsupportedAnnotation{"proxy-ssl-ciphers|proxy-ssl-protocols", "", kTls},
    UnsupportedAnnotation{"proxy-ssl-server-name", "on|true", "backends are always told the name"},
    UnsupportedAnnotation{"proxy-ssl-verify-depth", "", "chains may be as long as they are"},
    UnsupportedAnnotation{"satisfy", "all", "whoever comes in satisfies all that is asked for"},
    UnsupportedAnnotation{"service-upstream", "false", "endpoints are always reached directly"},
    UnsupportedAnnotation{"session-cookie-change-on-failure", "true",
                          "a client whose endpoint fails is led to another"},
    UnsupportedAnnotation{"session-cookie-conditional-samesite-none", "false", "every browser gets the same cookie"},
    UnsupportedAnnotation{"session-cookie-partitioned", "false", "cookies can't be partitioned"},
    UnsupportedAnnotation{"ssl-ciphers|ssl-prefer-server-ciphers", "", "TLS with clients is the same for all hosts"},
    UnsupportedAnnotation{"upstream-hash-by-subset", "false", kSubset},
    UnsupportedAnnotation{"upstream-hash-by-subset-size", "", kSubset},
    UnsupportedAnnotation{"use-port-in-redirects", "false", "redirects name the usual ports"},
};

}  // namespace

std::span<const UnsupportedAnnotation> unsupportedAnnotations() { return kUnsupported; }

bool mayGuard(std::string_view snippet) {
  constexpr std::array<std::string_view, 11> kGuards = {"deny",           "allow",       "auth_",     "return 4",
                                                        "return 5",       "satisfy",     "limit_",    "secure_link",
                                                        "valid_referers", "modsecurity", "ssl_verify"};
  return std::any_of(kGuards.begin(), kGuards.end(),
                     [&](std::string_view word) { return snippet.find(word) != std::string_view::npos; });
}

}  // namespace wherry::ingress
