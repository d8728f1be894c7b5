#include "net/http_head.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/strings.h"

namespace wherry::net {
namespace {

constexpr std::array<bool, 256> makeTokenTable() {
  std::array<bool, 256> table{};
  for (char c : std::string_view("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}
constexpr std::array<bool, 256> kTokenTable = makeTokenTable();

// RFC 9110 section 5.6.2
bool isToken(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) { return kTokenTable[c]; });
}

// RFC 9110 section 5.5: no control characters but the tab; bytes above ASCII are opaque.
bool isFieldValue(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return (c >= 0x20 && c != 0x7f) || c == '\t'; });
}

bool isTarget(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

std::string_view trimBlanks(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// Where the head ends, its empty line included.
std::variant<Incomplete, HeadError, size_t> findHeadEnd(std::string_view bytes, const HeadLimits& limits) {
  std::string_view head = bytes.substr(0, limits.bytes);
  size_t lineBegin = 0;
  for (size_t lf = head.find('\n'); lf != std::string_view::npos; lf = head.find('\n', lineBegin)) {
    if (lf == lineBegin || head[lf - 1] != '\r') return HeadError{400, "a line ends without CR"};
    if (lf == lineBegin + 1) return lf + 1;
    lineBegin = lf + 1;
  }
  if (bytes.size() >= limits.bytes) return HeadError{431, "the request head is too large"};
  return Incomplete{};
}

// The line before the next CRLF, which must be there; both are taken off `text`.
std::string_view takeLine(std::string_view& text) {
  size_t end = text.find("\r\n");
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 2);
  return line;
}

// What the fields say about the body and the connection.
struct FieldFacts {
  std::optional<uint64_t> contentLength;
  bool chunked = false;
  bool close = false;
  bool keepAlive = false;
  bool expectContinue = false;
  int hosts = 0;
};

std::optional<HeadError> noteContentLength(std::string_view value, FieldFacts& facts) {
  if (facts.contentLength) return HeadError{400, "Content-Length stands twice"};
  facts.contentLength = base::parseInt<uint64_t>(value);
  if (!facts.contentLength) return HeadError{400, "Content-Length is not a number"};
  return std::nullopt;
}

void noteConnection(std::string_view value, FieldFacts& facts) {
  for (std::string_view option : base::split(value, ',')) {
    option = trimBlanks(option);
    if (base::equalsIgnoreCase(option, "close")) facts.close = true;
    if (base::equalsIgnoreCase(option, "keep-alive")) facts.keepAlive = true;
  }
}

std::optional<HeadError> noteField(std::string_view name, std::string_view value, FieldFacts& facts) {
  using base::equalsIgnoreCase;
  if (equalsIgnoreCase(name, "content-length")) return noteContentLength(value, facts);
  if (equalsIgnoreCase(name, "transfer-encoding")) {
    if (facts.chunked || !equalsIgnoreCase(value, "chunked")) return HeadError{501, "unknown Transfer-Encoding"};
    facts.chunked = true;
  } else if (equalsIgnoreCase(name, "connection")) {
    noteConnection(value, facts);
  } else if (equalsIgnoreCase(name, "expect")) {
    if (!equalsIgnoreCase(value, "100-continue")) return HeadError{417, "unknown Expect"};
    facts.expectContinue = true;
  } else if (equalsIgnoreCase(name, "host")) {
    ++facts.hosts;
  }
  return std::nullopt;
}

// Reads the field lines up to the empty one. `text` starts behind the first line.
std::optional<HeadError> readFields(std::string_view text, const HeadLimits& limits, Headers& headers,
                                    FieldFacts& facts) {
  headers.reserve(16);
  for (std::string_view line = takeLine(text); !line.empty(); line = takeLine(text)) {
    if (headers.fields().size() >= limits.fields) return HeadError{431, "too many header fields"};
    size_t colon = line.find(':');
    if (colon == std::string_view::npos) return HeadError{400, "a header field has no colon"};
    std::string_view name = line.substr(0, colon);
    std::string_view value = trimBlanks(line.substr(colon + 1));
    // Also refuses a folded line and a space before the colon (RFC 9112 sections 5.1 and 5.2).
    if (!isToken(name)) return HeadError{400, "malformed header field name"};
    if (!isFieldValue(value)) return HeadError{400, "malformed header field value"};
    if (auto error = noteField(name, value, facts)) return error;
    headers.add(std::string(name), std::string(value));
  }
  // RFC 9112 section 6.1: both together is how requests are smuggled.
  if (facts.chunked && facts.contentLength) return HeadError{400, "Content-Length beside Transfer-Encoding"};
  return std::nullopt;
}

// "/path?query", or the absolute form that proxies get (RFC 9112 section 3.2.2).
std::optional<HeadError> readTarget(std::string_view target, Request& request) {
  if (!isTarget(target)) return HeadError{400, "malformed request target"};
  if (target.front() != '/' && target != "*") {
    size_t authority = target.find("://");
    if (authority == std::string_view::npos) return HeadError{400, "malformed request target"};
    size_t path = target.find_first_of("/?", authority + 3);
    target = path == std::string_view::npos ? "/" : target.substr(path);
  }
  size_t question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string_view::npos) request.query = target.substr(question + 1);
  return std::nullopt;
}

std::optional<HeadError> readRequestLine(std::string_view line, RequestHead& head) {
  size_t first = line.find(' ');
  size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return HeadError{400, "malformed request line"};
  std::string_view method = line.substr(0, first);
  std::string_view version = line.substr(last + 1);
  if (!isToken(method)) return HeadError{400, "malformed request method"};
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return HeadError{505, "HTTP version not supported"};
  head.http10 = version == "HTTP/1.0";
  head.request.method = method;
  return readTarget(line.substr(first + 1, last - first - 1), head.request);
}

std::optional<HeadError> applyRequestFacts(const FieldFacts& facts, RequestHead& head) {
  if (facts.hosts > 1 || (facts.hosts == 0 && !head.http10)) return HeadError{400, "exactly one Host is required"};
  if (head.http10 && facts.chunked) return HeadError{400, "Transfer-Encoding in HTTP/1.0"};
  head.keepAlive = !head.http10 && !facts.close;
  head.expectContinue = facts.expectContinue && !head.http10;
  head.contentLength = facts.contentLength.value_or(0);
  if (facts.chunked) head.framing = Framing::kChunked;
  if (head.contentLength > 0) head.framing = Framing::kLength;
  return std::nullopt;
}

// "HTTP/1.1 200 OK"; the phrase may be missing.
bool readStatusLine(std::string_view line, ResponseHead& head) {
  if (!line.starts_with("HTTP/1.1 ") && !line.starts_with("HTTP/1.0 ")) return false;
  auto status = base::parseInt<int>(line.substr(9, 3));
  if (!status || *status < 100 || *status > 599 || (line.size() > 12 && line[12] != ' ')) return false;
  head.status = *status;
  head.keepAlive = line.starts_with("HTTP/1.1");
  return true;
}

// RFC 9112 section 6.3
Framing responseFraming(const ResponseHead& head, const FieldFacts& facts, std::string_view requestMethod) {
  if (requestMethod == "HEAD" || head.status < 200 || head.status == 204 || head.status == 304) return Framing::kNone;
  if (facts.chunked) return Framing::kChunked;
  if (!facts.contentLength) return Framing::kUntilClose;
  return *facts.contentLength > 0 ? Framing::kLength : Framing::kNone;
}

struct Phrase {
  int status;
  std::string_view text;
};
constexpr Phrase kPhrases[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {413, "Request Entity Too Large"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Entity"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

}  // namespace

std::variant<Incomplete, HeadError, RequestHead> parseRequestHead(std::string_view bytes, const HeadLimits& limits) {
  // RFC 9112 section 2.2: an empty line before the request is the end of a careless client's last body.
  size_t skipped = bytes.starts_with("\r\n") ? 2 : 0;
  auto end = findHeadEnd(bytes.substr(skipped), limits);
  if (std::holds_alternative<Incomplete>(end)) return Incomplete{};
  if (auto* error = std::get_if<HeadError>(&end)) return *error;

  RequestHead head;
  head.size = skipped + std::get<size_t>(end);
  std::string_view text = bytes.substr(skipped, std::get<size_t>(end));
  if (text == "\r\n") return HeadError{400, "malformed request line"};
  if (auto error = readRequestLine(takeLine(text), head)) return *error;
  FieldFacts facts;
  if (auto error = readFields(text, limits, head.request.headers, facts)) return *error;
  if (auto error = applyRequestFacts(facts, head)) return *error;
  return head;
}

std::variant<Incomplete, HeadError, ResponseHead> parseResponseHead(std::string_view bytes,
                                                                    std::string_view requestMethod,
                                                                    const HeadLimits& limits) {
  auto end = findHeadEnd(bytes, limits);
  if (std::holds_alternative<Incomplete>(end)) return Incomplete{};
  if (auto* error = std::get_if<HeadError>(&end)) return *error;

  ResponseHead head;
  head.size = std::get<size_t>(end);
  std::string_view text = bytes.substr(0, head.size);
  if (!readStatusLine(takeLine(text), head)) return HeadError{400, "malformed status line"};
  FieldFacts facts;
  if (auto error = readFields(text, limits, head.headers, facts)) return *error;
  head.framing = responseFraming(head, facts, requestMethod);
  head.contentLength = facts.contentLength.value_or(0);
  head.keepAlive = (head.keepAlive || facts.keepAlive) && !facts.close && head.framing != Framing::kUntilClose;
  return head;
}

std::string_view reasonPhrase(int status) {
  for (const Phrase& phrase : kPhrases) {
    if (phrase.status == status) return phrase.text;
  }
  return "Unknown";
}

bool isSendable(std::string_view name, std::string_view value) { return isToken(name) && isFieldValue(value); }

void appendFields(std::string& out, const Headers& headers, std::initializer_list<std::string_view> without) {
  for (const auto& field : headers.fields()) {
    auto isField = [&](std::string_view left) { return base::equalsIgnoreCase(left, field.first); };
    if (!isSendable(field.first, field.second) || std::ranges::any_of(without, isField)) continue;
    out.append(field.first).append(": ").append(field.second).append("\r\n");
  }
}

}  // namespace wherry::net
