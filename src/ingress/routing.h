// The routing model: what the front door shall do with requests, whoever asked for it. Ingresses (ingress_routes.h) and
// the Gateway API (gateway_routes.h) are compiled to it; haproxy_config.h makes a configuration of it. Plain data
// without endpoints: those come and go by themselves (servers.h).
//
// Every text in it is as the user wrote it. What can't be said to HAProxy in safety (control characters) is refused by
// quoting.h, not here.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ip_address.h"

namespace wherry::ingress {

// The object that asks for something: events and conditions about it go there.
struct Origin {
  std::string kind;  // "Ingress", "HTTPRoute", "Gateway", ...
  std::string nameSpace;
  std::string name;
  std::strong_ordering operator<=>(const Origin&) const = default;
};

// A port of a Service, by its name in the Service and its EndpointSlices ("" where it has none).
struct ServicePort {
  std::string nameSpace;
  std::string service;
  std::string port;
  std::strong_ordering operator<=>(const ServicePort&) const = default;
};

// -- which requests ------------------------------------------------------------------------------------------------

// "": every host. "www.example.com". "*.example.com": one more label, or with anyDepth one or more. Lower case.
struct HostPattern {
  std::string name;
  bool anyDepth = false;
  std::strong_ordering operator<=>(const HostPattern&) const = default;
};

struct PathMatch {
  enum class Kind {
    kExact,
    kPrefix,  // by elements: /foo has /foo, /foo/ and /foo/bar, not /foobar
    kStart,   // by characters: /foo has /foobar too
    kRegex,   // PCRE, anchored at the start, case not distinguished
  };
  Kind kind = Kind::kPrefix;
  std::string text = "/";
  std::strong_ordering operator<=>(const PathMatch&) const = default;
};

struct ValueMatch {
  enum class Of { kHeader, kQuery, kCookie };
  enum class How { kExact, kRegex };  // a regular expression covers the whole value
  Of of = Of::kHeader;
  How how = How::kExact;
  std::string name;
  std::string value;
  std::strong_ordering operator<=>(const ValueMatch&) const = default;
};

// All must hold.
struct Conditions {
  std::string method;  // "": every one
  std::vector<ValueMatch> values;
  // Of the requests for which all that holds, by chance, so many in `total`.
  uint32_t part = 1;
  uint32_t total = 1;
  bool isAhead = false;  // it takes its part from others that fit as well, wherever they stand
  bool always() const { return method.empty() && values.empty() && part >= total; }
  std::strong_ordering operator<=>(const Conditions&) const = default;
};

// -- what becomes of them ------------------------------------------------------------------------------------------

enum class Protocol { kHttp, kHttp2, kHttps, kHttps2, kTcp };  // kHttp2: prior knowledge (h2c, gRPC)

// A Service port and its share of the traffic: weight out of the sum of all weights; 0 gets none. A share whose Service
// has no endpoints is left out while others have some.
struct Share {
  ServicePort target;
  uint32_t weight = 1;
  std::strong_ordering operator<=>(const Share&) const = default;
};

enum class Balance { kRoundRobin, kLeastConnections, kHash };

// What kHash looks at: these, one after the other.
struct HashPart {
  enum class Of { kSource, kUri, kPath, kHost, kHeader, kCookie, kQuery };
  Of of = Of::kSource;
  std::string name;  // of a header, cookie or query parameter
  std::strong_ordering operator<=>(const HashPart&) const = default;
};

// A cookie that leads a client to the endpoint it was at before.
struct StickyCookie {
  std::string name = "INGRESSCOOKIE";
  std::string path;
  std::string domain;
  std::string sameSite;  // "", "None", "Lax", "Strict"
  bool secure = false;
  std::chrono::seconds maxAge{};  // 0: until the browser closes
  std::strong_ordering operator<=>(const StickyCookie&) const = default;
};

// How a TLS backend is known. Without it any certificate is taken, as most controllers do.
struct BackendTls {
  std::string caPem;               // "": not verified
  std::string serverName;          // SNI and the name in the certificate; "": the request's host
  std::string clientPem;           // chain and key that are shown to it; checked
  bool systemAuthorities = false;  // in place of caPem: those that the machine trusts
  std::strong_ordering operator<=>(const BackendTls&) const = default;
};

// A Service port that gets a copy of so many requests in `total`, by chance. Its answers are dropped; what isn't copied
// is said in mirror_text.h.
struct Mirror {
  ServicePort target;
  Protocol protocol = Protocol::kHttp;
  uint32_t part = 1;
  uint32_t total = 1;
  std::optional<BackendTls> tls = std::nullopt;
  std::strong_ordering operator<=>(const Mirror&) const = default;
};

// 0: HAProxy's defaults as haproxy_config.h sets them.
struct TimeOuts {
  std::chrono::milliseconds connect{};
  std::chrono::milliseconds read{};     // without a byte from the backend; also of a WebSocket, in both directions
  std::chrono::milliseconds request{};  // the whole answer's first byte must be there by then (504)
  std::strong_ordering operator<=>(const TimeOuts&) const = default;
};

struct PathChange {
  enum class Kind {
    kNone,
    kFull,    // the whole path becomes `with`
    kPrefix,  // the route's path (kPrefix, kExact) becomes `with`
    kRegex,   // the whole path becomes `with`, in which "$1" stands for the first group of the route's expression
  };
  Kind kind = Kind::kNone;
  std::string with;
  std::strong_ordering operator<=>(const PathChange&) const = default;
};

// Answers with Location. Empty parts are the request's own.
struct Redirect {
  std::string location;  // whole URL, when set; the parts below aren't looked at then
  std::string scheme;
  std::string host;
  uint16_t port = 0;  // 0: the scheme's own when `scheme` is set, else the request's
  PathChange path;
  int status = 302;
  std::string onlyPath;  // only for requests of exactly this path (app-root); `path` is kNone or kFull then
  std::strong_ordering operator<=>(const Redirect&) const = default;
};

struct HeaderChange {
  enum class On { kRequest, kResponse };
  enum class How { kSet, kAdd, kRemove };
  On on = On::kRequest;
  How how = How::kSet;
  std::string name;
  std::string value;
  std::strong_ordering operator<=>(const HeaderChange&) const = default;
};

// Answered here, without any backend.
struct Answer {
  int status = 404;
  std::string contentType;
  std::string body;
  std::strong_ordering operator<=>(const Answer&) const = default;
};

struct SourceRanges {
  std::vector<std::string> allow;  // CIDRs; empty: everybody
  std::vector<std::string> deny;
  std::strong_ordering operator<=>(const SourceRanges&) const = default;
};

struct BasicAuth {
  std::string realm;
  std::map<std::string, std::string> users;  // name -> crypt(3) hash
  std::strong_ordering operator<=>(const BasicAuth&) const = default;
};

// Of each client address; 0: unlimited.
struct RateLimit {
  uint32_t perSecond = 0;
  uint32_t perMinute = 0;
  uint32_t connections = 0;
  uint32_t burst = 5;               // so many times the limit at once
  std::vector<std::string> exempt;  // CIDRs
  std::strong_ordering operator<=>(const RateLimit&) const = default;
};

// The Fetch standard's headers; preflight requests are answered here (204).
struct Cors {
  std::vector<std::string> origins;  // "*", "https://*.example.com", "https://example.com"
  std::vector<std::string> methods;
  std::vector<std::string> headers;
  std::vector<std::string> exposed;
  bool credentials = true;
  std::chrono::seconds maxAge{1728000};
  std::strong_ordering operator<=>(const Cors&) const = default;
};

// One pod of a StatefulSet: named by its hostname ("web-0") or its ordinal ("0") in the first label of the host, or in
// the first element of the path behind the route's own, which is taken out of the path.
enum class PodRouting { kNone, kHost, kPath };

// What is done with the requests of a route, in this order: sources, limit, cors, auth, bodyLimit, redirect or answer;
// path, host, headers; a backend.
struct Backend {
  std::vector<Share> shares;
  uint32_t refusedWeight = 0;  // beside the shares' weights: so much of the traffic is refused
  int refusedStatus = 500;     // what it is answered with
  Protocol protocol = Protocol::kHttp;
  Balance balance = Balance::kRoundRobin;
  std::vector<HashPart> hash;
  std::optional<StickyCookie> sticky;
  std::optional<BackendTls> tls;
  TimeOuts timeOuts;
  int retries = 3;        // of connections that fail
  int proxyProtocol = 0;  // 1, 2: the backend is told the client's address so
  // Clients of these families come to the endpoints of their family under their own address, but for those of whom that
  // can't be (see frontend_text.h).
  std::set<base::IpFamily> preserveClientIp;
  PodRouting podRouting = PodRouting::kNone;

  std::optional<SourceRanges> sources;
  std::optional<RateLimit> limit;
  std::optional<BasicAuth> auth;
  std::optional<Cors> cors;
  uint64_t bodyLimit = 0;      // bytes (413); 0: unlimited
  bool bufferRequest = false;  // the backend is called once the body is there, or a buffer full of it
  std::optional<Redirect> redirect;
  std::optional<Answer> answer;
  PathChange path;
  std::string host;  // the backend sees this Host; "": the client's
  std::vector<HeaderChange> headers;
  std::vector<Mirror> mirrors;  // of the requests as the backend gets them
  std::strong_ordering operator<=>(const Backend&) const = default;
};

// Of the routes that fit a request the most specific host wins, then the path (exact, else the longest), then a method,
// then the number of headers, then of other values, then one that is ahead; then the first in Port::routes: producers
// put the oldest object first. Where a route's conditions don't hold, the next best is taken.
struct Route {
  Origin origin;
  HostPattern host;
  PathMatch path;
  Conditions conditions;
  Backend to;
  bool operator==(const Route&) const = default;
};

// -- where they come in --------------------------------------------------------------------------------------------

struct Certificate {
  std::string name;  // "namespace/secret"
  std::string pem;   // chain and key. Checked: HAProxy would refuse to start with a broken one
  std::vector<HostPattern> hosts;
  std::strong_ordering operator<=>(const Certificate&) const = default;
};

// TLS, by the name in the ClientHello: the most particular one decides, then the first. Only shares, refusedWeight,
// balance, time-outs, proxyProtocol, preserveClientIp and tls of `to` count.
struct Passthrough {
  enum class End {
    kBackend,  // it is handed on as it is
    kHere,     // and what is in it is handed on
    kRoutes,   // here, for the routes of the port
    kRefused,
  };
  Origin origin;
  HostPattern host;
  Backend to;
  End end = End::kBackend;
  bool operator==(const Passthrough&) const = default;
};

// A TCP port of every node address. With `tls` its passthroughs are looked at first; connections that are none's go to
// its routes, if there are any.
struct Port {
  uint16_t number = 0;
  bool tls = false;
  std::vector<Route> routes;
  std::vector<Certificate> certificates;
  std::vector<Passthrough> passthroughs;
};

struct Model {
  std::map<uint16_t, Port> ports;
};

// Adds what `other` has behind what is there. A port that one has with TLS and the other without stays as it is: its
// number is returned.
std::vector<uint16_t> merge(Model& model, Model other);

// What somebody asked for and doesn't get: becomes a warning event of `about`, and where it has some, a condition.
struct Complaint {
  Origin about;
  std::string reason;  // CamelCase
  std::string message;
  std::strong_ordering operator<=>(const Complaint&) const = default;
};

}  // namespace wherry::ingress
