#include "apiserver/proxy_rewrite.h"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

#include "base/strings.h"
#include "net/http_head.h"

namespace wherry::apiserver {
namespace {

// RFC 9110 section 7.6.1, and what is for this server's ears.
constexpr std::array<std::string_view, 9> kHopByHop = {
    "connection",        "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade"};

bool isOneOf(std::string_view name, const auto& names) {
  return std::ranges::any_of(names, [&](const auto& each) { return base::equalsIgnoreCase(name, each); });
}

// The fields that the message itself says belong to its connection.
std::vector<std::string> connectionOptions(const net::Headers& headers) {
  std::vector<std::string> names;
  for (const auto& [name, value] : headers.fields()) {
    if (!base::equalsIgnoreCase(name, "Connection")) continue;
    for (auto option : base::split(value, ',')) names.emplace_back(base::trim(option));
  }
  return names;
}

bool isForThisServer(std::string_view name) {
  return base::equalsIgnoreCase(name, "Authorization") || base::equalsIgnoreCase(name.substr(0, 12), "Impersonate-");
}

std::string forwardedFor(const net::Request& request) {
  std::string text(request.headers.get("X-Forwarded-For"));
  auto address = request.peer ? request.peer->address : "";
  if (!text.empty() && !address.empty()) text += ", ";
  return text + address;
}

bool hasBody(const net::Request& request) {
  return !request.body.empty() || request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
}

struct Url {
  std::string_view scheme, host, path, rest;  // rest: query and fragment, with their marks
  bool hasHost = false;
};

// RFC 3986 section 3.1.
bool isScheme(std::string_view text) {
  auto isLetter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  auto isOther = [](char c) { return (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'; };
  return !text.empty() && isLetter(text[0]) &&
         std::ranges::all_of(text, [&](char c) { return isLetter(c) || isOther(c); });
}

Url splitUrl(std::string_view text) {
  Url url;
  size_t mark = text.find_first_of(":/?#");
  if (mark != std::string_view::npos && text[mark] == ':' && isScheme(text.substr(0, mark))) {
    url.scheme = text.substr(0, mark);
    text.remove_prefix(mark + 1);
  }
  if (text.starts_with("//")) {
    url.hasHost = true;
    text.remove_prefix(2);
    url.host = text.substr(0, text.find_first_of("/?#"));
    text.remove_prefix(url.host.size());
  } else if (!url.scheme.empty()) {
    text = {};  // mailto:, javascript:
  }
  url.path = text.substr(0, text.find_first_of("?#"));
  url.rest = text.substr(url.path.size());
  return url;
}

// Which attributes hold URLs, as upstream has it.
bool holdsUrl(std::string_view tag, std::string_view attribute) {
  static constexpr std::pair<std::string_view, std::string_view> kAttributes[] = {
      {"a", "href"},          {"applet", "codebase"}, {"area", "href"},       {"audio", "src"},
      {"base", "href"},       {"blockquote", "cite"}, {"body", "background"}, {"button", "formaction"},
      {"command", "icon"},    {"del", "cite"},        {"embed", "src"},       {"form", "action"},
      {"frame", "longdesc"},  {"frame", "src"},       {"head", "profile"},    {"html", "manifest"},
      {"iframe", "longdesc"}, {"iframe", "src"},      {"img", "longdesc"},    {"img", "src"},
      {"img", "usemap"},      {"input", "src"},       {"input", "usemap"},    {"input", "formaction"},
      {"ins", "cite"},        {"link", "href"},       {"object", "classid"},  {"object", "codebase"},
      {"object", "data"},     {"object", "usemap"},   {"q", "cite"},          {"script", "src"},
      {"source", "src"},      {"video", "poster"},    {"video", "src"},
  };
  auto is = [&](const auto& pair) {
    return base::equalsIgnoreCase(tag, pair.first) && base::equalsIgnoreCase(attribute, pair.second);
  };
  return std::ranges::any_of(kAttributes, is);
}

// Goes through a page and copies it, attribute by attribute.
class HtmlRewriter {
 public:
  HtmlRewriter(std::string_view html, const ProxyPlace& place) : html_(html), place_(place) {}

  std::string run() {
    while (at_ < html_.size()) {
      copyUntil(html_.find('<', at_));
      if (at_ >= html_.size()) break;
      if (html_.substr(at_).starts_with("<!--")) {
        copyPast("-->");
      } else if (at_ + 1 < html_.size() && isLetter(html_[at_ + 1])) {
        copyTag();
      } else {
        out_.push_back(html_[at_++]);
      }
    }
    return std::move(out_);
  }

 private:
  static bool isLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
  static bool isSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

  void copyUntil(size_t end) {
    end = std::min(end, html_.size());
    out_.append(html_.substr(at_, end - at_));
    at_ = end;
  }
  void copyPast(std::string_view mark) {
    size_t found = html_.find(mark, at_);
    copyUntil(found == std::string_view::npos ? html_.size() : found + mark.size());
  }
  std::string_view takeName(std::string_view ends) {
    size_t end = std::min(html_.find_first_of(ends, at_), html_.size());
    auto name = html_.substr(at_, end - at_);
    copyUntil(end);
    return name;
  }
  void copySpaces() {
    while (at_ < html_.size() && (isSpace(html_[at_]) || html_[at_] == '/')) out_.push_back(html_[at_++]);
  }

  void copyTag() {
    out_.push_back(html_[at_++]);
    auto tag = takeName(" \t\n\r\f/>");
    for (;;) {
      copySpaces();
      if (at_ >= html_.size()) return;
      if (html_[at_] == '>') break;
      copyAttribute(tag);
    }
    out_.push_back(html_[at_++]);
    // What follows is no markup up to the tag's end.
    if (base::equalsIgnoreCase(tag, "script") || base::equalsIgnoreCase(tag, "style")) copyRawText(tag);
  }
  void copyAttribute(std::string_view tag) {
    size_t before = at_;
    auto name = takeName(" \t\n\r\f/>=");
    while (at_ < html_.size() && isSpace(html_[at_])) out_.push_back(html_[at_++]);
    if (at_ >= html_.size() || html_[at_] != '=') {
      if (at_ == before) ++at_;  // never: a name ends at one of its marks, all of which are taken elsewhere
      return;
    }
    out_.push_back(html_[at_++]);
    while (at_ < html_.size() && isSpace(html_[at_])) out_.push_back(html_[at_++]);
    copyValue(holdsUrl(tag, name));
  }
  void copyValue(bool isUrl) {
    if (at_ >= html_.size()) return;
    char quote = html_[at_];
    bool quoted = quote == '"' || quote == '\'';
    if (quoted) out_.push_back(html_[at_++]);
    size_t end = quoted ? html_.find(quote, at_) : html_.find_first_of(" \t\n\r\f>", at_);
    auto value = html_.substr(at_, std::min(end, html_.size()) - at_);
    out_.append(isUrl ? rewriteProxyUrl(value, place_) : std::string(value));
    at_ += value.size();
    if (quoted && at_ < html_.size()) out_.push_back(html_[at_++]);
  }
  void copyRawText(std::string_view tag) {
    while (at_ < html_.size()) {
      copyUntil(html_.find("</", at_));
      if (base::equalsIgnoreCase(html_.substr(std::min(at_ + 2, html_.size()), tag.size()), tag)) return;
      copyUntil(at_ + 2);
    }
  }

  std::string_view html_;
  const ProxyPlace& place_;
  size_t at_ = 0;
  std::string out_;
};

}  // namespace

ProxyPlace proxyPlace(const net::Request& request, size_t segmentsBeforeRest) {
  size_t at = 0;
  for (size_t i = 0; i < segmentsBeforeRest; ++i) {
    at = request.path.find_first_not_of('/', at);
    at = std::min(request.path.find('/', at), request.path.size());
  }
  return {request.path.substr(0, at), request.path.substr(at), "", std::string(request.headers.get("Host"))};
}

std::string renderProxyRequest(const net::Request& request, const ProxyPlace& place, bool upgrade) {
  auto options = connectionOptions(request.headers);
  net::Headers headers;
  for (const auto& [name, value] : request.headers.fields()) {
    bool passes = !isOneOf(name, kHopByHop) && !isOneOf(name, options) && !isForThisServer(name);
    if (passes) headers.add(name, value);
  }
  headers.set("X-Forwarded-For", forwardedFor(request));
  headers.set("X-Forwarded-Uri", request.path);
  if (upgrade) headers.set("Upgrade", std::string(request.headers.get("Upgrade")));
  headers.set("Connection", upgrade ? "Upgrade" : "close");
  std::string text = fmt::format("{} {}{}{} HTTP/1.1\r\n", request.method, place.path.empty() ? "/" : place.path,
                                 request.query.empty() ? "" : "?", request.query);
  net::appendFields(text, headers, {"content-length", "expect"});
  if (hasBody(request)) text += fmt::format("Content-Length: {}\r\n", request.body.size());
  return text.append("\r\n").append(request.body);
}

net::Headers proxyAnswerHeaders(const net::Headers& headers, const ProxyPlace& place) {
  static constexpr std::array<std::string_view, 4> kOrigin = {
      "Access-Control-Allow-Credentials", "Access-Control-Allow-Headers", "Access-Control-Allow-Methods",
      "Access-Control-Allow-Origin"};
  auto options = connectionOptions(headers);
  net::Headers result;
  for (const auto& [name, value] : headers.fields()) {
    if (isOneOf(name, kHopByHop) || isOneOf(name, options) || isOneOf(name, kOrigin)) continue;
    bool isLocation = base::equalsIgnoreCase(name, "Location");
    result.add(name, isLocation ? rewriteProxyUrl(value, place) : value);
  }
  return result;
}

std::string rewriteProxyUrl(std::string_view text, const ProxyPlace& place) {
  Url url = splitUrl(text);
  bool elsewhere = url.hasHost && url.host != place.backendHost && url.host != place.clientHost;
  if (elsewhere || !url.path.starts_with('/')) return std::string(text);
  std::string result;
  if (url.hasHost && url.host == place.clientHost) {
    if (!url.scheme.empty()) result += std::string(url.scheme) + ":";
    result += "//" + std::string(url.host);
  }
  if (!url.path.starts_with(place.prefix)) result += place.prefix;
  return result.append(url.path).append(url.rest);
}

std::string rewriteProxyHtml(std::string_view html, const ProxyPlace& place) { return HtmlRewriter(html, place).run(); }

}  // namespace wherry::apiserver
