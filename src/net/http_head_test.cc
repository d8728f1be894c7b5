#include "net/http_head.h"

#include <gtest/gtest.h>

namespace wherry::net {
namespace {

struct RequestCase {
  const char* name;
  std::string text;
  std::string outcome;
};

std::string show(const RequestHead& head) {
  const char* framings[] = {"no body", "length", "chunked", "until close"};
  std::string text = head.request.method + " " + head.request.path;
  if (!head.request.query.empty()) text += " ?" + head.request.query;
  text += std::string(", ") + framings[static_cast<int>(head.framing)];
  if (head.framing == Framing::kLength) text += " " + std::to_string(head.contentLength);
  if (!head.keepAlive) text += ", close";
  if (head.expectContinue) text += ", expects 100";
  return text;
}

std::string outcomeOf(std::string_view text) {
  auto result = parseRequestHead(text);
  if (auto* error = std::get_if<HeadError>(&result))
    return std::to_string(error->status) + " " + std::string(error->why);
  if (auto* head = std::get_if<RequestHead>(&result)) return show(*head);
  return "incomplete";
}

TEST(RequestHead, IsReadOrRefused) {
  const std::string host = "Host: a\r\n";
  const RequestCase cases[] = {
      {"a plain GET", "GET /api HTTP/1.1\r\n" + host + "\r\n", "GET /api, no body"},
      {"a query", "GET /api?a=b&c HTTP/1.1\r\n" + host + "\r\n", "GET /api ?a=b&c, no body"},
      {"the absolute form", "GET http://a/x?y HTTP/1.1\r\n" + host + "\r\n", "GET /x ?y, no body"},
      {"the absolute form without a path", "GET http://a HTTP/1.1\r\n" + host + "\r\n", "GET /, no body"},
      {"a body with a length", "PUT / HTTP/1.1\r\n" + host + "Content-Length: 17\r\n\r\n", "PUT /, length 17"},
      {"a length of 0", "PUT / HTTP/1.1\r\n" + host + "Content-Length: 0\r\n\r\n", "PUT /, no body"},
      {"a chunked body", "PUT / HTTP/1.1\r\n" + host + "Transfer-Encoding: Chunked\r\n\r\n", "PUT /, chunked"},
      {"the client wants to close", "GET / HTTP/1.1\r\n" + host + "Connection: x, Close\r\n\r\n",
       "GET /, no body, close"},
      {"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "GET /, no body, close"},
      {"Expect", "PUT / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nExpect: 100-continue\r\n\r\n",
       "PUT /, length 1, expects 100"},
      {"an empty line before the request", "\r\nGET / HTTP/1.1\r\n" + host + "\r\n", "GET /, no body"},
      {"a body behind the head", "GET / HTTP/1.1\r\n" + host + "\r\nGET", "GET /, no body"},

      {"nothing yet", "", "incomplete"},
      {"half a line", "GET / HT", "incomplete"},
      {"the last LF is missing", "GET / HTTP/1.1\r\n" + host + "\r", "incomplete"},

      {"a bare LF", "GET / HTTP/1.1\n" + host + "\r\n", "400 a line ends without CR"},
      {"a bare LF at the end of the head", "GET / HTTP/1.1\r\n" + host + "\n", "400 a line ends without CR"},
      {"a bare CR in a value", "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", "400 malformed header field value"},
      {"a NUL in a value", "GET / HTTP/1.1\r\nHost: a" + std::string(1, '\0') + "\r\n\r\n",
       "400 malformed header field value"},
      {"a folded line", "GET / HTTP/1.1\r\n" + host + "X: a\r\n b\r\n\r\n", "400 a header field has no colon"},
      {"a folded line with a colon", "GET / HTTP/1.1\r\n" + host + "X: a\r\n b:c\r\n\r\n",
       "400 malformed header field name"},
      {"a space before the colon", "GET / HTTP/1.1\r\n" + host + "Content-Length : 5\r\n\r\n",
       "400 malformed header field name"},
      {"a field without a name", "GET / HTTP/1.1\r\n" + host + ": x\r\n\r\n", "400 malformed header field name"},
      {"Content-Length twice", "PUT / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
       "400 Content-Length stands twice"},
      {"Content-Length beside Transfer-Encoding",
       "PUT / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       "400 Content-Length beside Transfer-Encoding"},
      {"Content-Length: 0 beside Transfer-Encoding",
       "PUT / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
       "400 Content-Length beside Transfer-Encoding"},
      {"a signed length", "PUT / HTTP/1.1\r\n" + host + "Content-Length: +1\r\n\r\n",
       "400 Content-Length is not a number"},
      {"a negative length", "PUT / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n",
       "400 Content-Length is not a number"},
      {"a list of lengths", "PUT / HTTP/1.1\r\n" + host + "Content-Length: 1, 1\r\n\r\n",
       "400 Content-Length is not a number"},
      {"a length beyond 64 bits", "PUT / HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\n",
       "400 Content-Length is not a number"},
      {"an unknown coding", "PUT / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n",
       "501 unknown Transfer-Encoding"},
      {"chunked twice",
       "PUT / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
       "501 unknown Transfer-Encoding"},
      {"chunked with a vertical tab",
       "PUT / HTTP/1.1\r\n" + host +
           "Transfer-Encoding: \x0b"
           "chunked\r\n\r\n",
       "400 malformed header field value"},
      {"chunked in HTTP/1.0", "PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
       "400 Transfer-Encoding in HTTP/1.0"},
      {"no Host", "GET / HTTP/1.1\r\n\r\n", "400 exactly one Host is required"},
      {"two Hosts", "GET / HTTP/1.1\r\n" + host + host + "\r\n", "400 exactly one Host is required"},
      {"another Expect", "GET / HTTP/1.1\r\n" + host + "Expect: miracles\r\n\r\n", "417 unknown Expect"},
      {"no version", "GET /\r\n" + host + "\r\n", "400 malformed request line"},
      {"HTTP/2 in the line", "GET / HTTP/2.0\r\n" + host + "\r\n", "505 HTTP version not supported"},
      {"HTTP/0.9's relative", "GET / HTTP/1.10\r\n" + host + "\r\n", "505 HTTP version not supported"},
      {"two spaces", "GET  / HTTP/1.1\r\n" + host + "\r\n", "400 malformed request target"},
      {"a space in the target", "GET /a b HTTP/1.1\r\n" + host + "\r\n", "400 malformed request target"},
      {"a target that is no path", "GET api HTTP/1.1\r\n" + host + "\r\n", "400 malformed request target"},
      {"CONNECT", "CONNECT a:1 HTTP/1.1\r\n" + host + "\r\n", "400 malformed request target"},
      {"bytes above ASCII in the target", "GET /\xc3\xa4 HTTP/1.1\r\n" + host + "\r\n", "400 malformed request target"},
      {"a method with a bracket", "G(T / HTTP/1.1\r\n" + host + "\r\n", "400 malformed request method"},
      {"a TLS hello", "\x16\x03\x01\x02\r\n\r\n", "400 malformed request line"},
      {"only empty lines", "\r\n\r\n", "400 malformed request line"},
  };
  for (const RequestCase& test : cases) {
    SCOPED_TRACE(test.name);
    EXPECT_EQ(outcomeOf(test.text), test.outcome);
  }
}

TEST(RequestHead, EveryPrefixOfAHeadIsIncomplete) {
  const std::string text = "GET /api?a=b HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n";
  for (size_t size = 0; size < text.size(); ++size) EXPECT_EQ(outcomeOf(text.substr(0, size)), "incomplete") << size;
  EXPECT_EQ(outcomeOf(text), "GET /api ?a=b, no body");
}

TEST(RequestHead, IsBounded) {
  std::string large = "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(64 << 10, 'x');
  EXPECT_EQ(outcomeOf(large), "431 the request head is too large");
  std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 200; ++i) many += "X: y\r\n";
  EXPECT_EQ(outcomeOf(many + "\r\n"), "431 too many header fields");
}

TEST(RequestHead, KeepsFieldsInOrderAndFindsThemWithoutCase) {
  auto result = parseRequestHead("GET / HTTP/1.1\r\nHost: a\r\nAccept:  x \r\nX-Remote: \r\naccept: y\r\n\r\n");
  const auto& head = std::get<RequestHead>(result);
  EXPECT_EQ(head.request.headers.get("ACCEPT"), "x");
  EXPECT_TRUE(head.request.headers.has("x-remote"));
  EXPECT_EQ(head.request.headers.get("x-remote"), "");
  EXPECT_EQ(head.request.headers.fields().size(), 4U);
}

TEST(ResponseHead, SaysHowTheBodyEnds) {
  const struct {
    const char* name;
    const char* text;
    const char* method;
    Framing framing;
    bool keepAlive;
  } cases[] = {
      {"a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "GET", Framing::kLength, true},
      {"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "GET", Framing::kChunked, true},
      {"neither", "HTTP/1.1 200 OK\r\n\r\n", "GET", Framing::kUntilClose, false},
      {"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", "GET", Framing::kLength, false},
      {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD", Framing::kNone, true},
      {"304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "GET", Framing::kNone, true},
      {"no phrase", "HTTP/1.1 204\r\n\r\n", "GET", Framing::kNone, true},
      {"close", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n", "GET", Framing::kLength, false},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    auto result = parseResponseHead(test.text, test.method);
    ASSERT_TRUE(std::holds_alternative<ResponseHead>(result));
    EXPECT_EQ(std::get<ResponseHead>(result).framing, test.framing);
    EXPECT_EQ(std::get<ResponseHead>(result).keepAlive, test.keepAlive);
  }
}

TEST(ResponseHead, RefusesWhatIsNotHttp) {
  for (const char* text :
       {"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 2OO OK\r\n\r\n", "HTTP/1.1 20\r\n\r\n", "HTTP/1.1 999 X\r\n\r\n"}) {
    EXPECT_TRUE(std::holds_alternative<HeadError>(parseResponseHead(text, "GET"))) << text;
  }
}

TEST(AppendFields, LeavesOutWhatWouldSplitTheAnswer) {
  Headers headers;
  headers.add("X-Good", "yes");
  headers.add("X-Evil", "a\r\nSet-Cookie: b");
  headers.add("X Evil", "a");
  headers.add("Date", "never");
  std::string text;
  appendFields(text, headers, {"date"});
  EXPECT_EQ(text, "X-Good: yes\r\n");
}

}  // namespace
}  // namespace wherry::net
