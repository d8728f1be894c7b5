#include "net/server.h"

#include <condition_variable>
#include <future>
#include <mutex>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/guarded.h"
#include "net/client_connection.h"
#include "net/http_client.h"

namespace wherry::net {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

Bytes bytes(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

// Answers with what was asked: "POST /a?b [body]".
void echo(const ExchangePtr& exchange) {
  const Request& request = exchange->request();
  std::string text = request.method + " " + request.path + (request.query.empty() ? "" : "?" + request.query);
  exchange->respond(Response::text(200, "text/plain", text + " [" + request.body + "]"));
}

Request request(std::string method, std::string path, std::string body = "") {
  Request result;
  result.method = std::move(method);
  result.path = std::move(path);
  result.body = std::move(body);
  return result;
}

// A client that speaks plain bytes.
class Talker {
 public:
  explicit Talker(uint16_t port) : socket_(beginConnect({"127.0.0.1", port, ""})) {
    wait_.until(socket_.get(), POLLOUT, kPatience, "connect");
  }
  void say(const std::string& text) { base::writeAll(socket_.get(), text, "socket"); }
  // What has come once `part` is in it, or the server has closed.
  const std::string& hearUntil(std::string_view part) {
    while (heard_.find(part) == std::string::npos && hear()) {
    }
    return heard_;
  }
  const std::string& hearAll() {
    while (hear()) {
    }
    return heard_;
  }

 private:
  static constexpr std::chrono::seconds kPatience{10};

  bool hear() {
    wait_.until(socket_.get(), POLLIN, kPatience, "answer");
    char buffer[4096];
    ssize_t count = ::recv(socket_.get(), buffer, sizeof buffer, 0);
    if (count > 0) heard_.append(buffer, static_cast<size_t>(count));
    return count > 0;
  }

  base::Fd socket_;
  Wait wait_{std::stop_token()};
  std::string heard_;
};

std::string talk(uint16_t port, const std::string& text) {
  Talker talker(port);
  talker.say(text);
  return talker.hearAll();
}

size_t occurrences(const std::string& text, std::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// Lets a test wait for something that happens on a thread of the server's.
class Signal {
 public:
  void set() {
    std::lock_guard lock(mutex_);
    set_ = true;
    changed_.notify_all();
  }
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return set_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
};

class PlainServer : public testing::Test {
 protected:
  void start(Handler handler, ServerOptions options = {}) {
    options.address = "127.0.0.1";
    server_ = startServer(std::move(options), std::move(handler));
    client_ = newHttpClient({.url = "http://127.0.0.1:" + std::to_string(server_->port())});
  }

  std::unique_ptr<Server> server_;
  std::unique_ptr<HttpClient> client_;
};

TEST_F(PlainServer, AnswersRequests) {
  start(echo);
  Request ask = request("POST", "/api/v1", "hello");
  ask.query = "watch=1";
  ClientResponse response = client_->call(ask);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "POST /api/v1?watch=1 [hello]");
  EXPECT_EQ(response.headers.get("content-type"), "text/plain");
  EXPECT_THAT(std::string(response.headers.get("date")), HasSubstr("GMT"));
}

// The end of the first answer has no bytes of its own that would carry the second one with them.
TEST_F(PlainServer, AnswersTheNextRequestThatCameBeforeTheEndOfAStream) {
  base::Guarded<ExchangePtr> open;
  start([&](const ExchangePtr& exchange) {
    if (exchange->request().path != "/stream") return echo(exchange);
    Headers headers;
    headers.add("Content-Length", "2");
    exchange->begin(200, std::move(headers));
    exchange->write(bytes("ab"));
    open.with([&](ExchangePtr& held) { held = exchange; });
  });
  Talker talker(server_->port());
  talker.say("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(talker.hearUntil("\r\n\r\nab"), HasSubstr("Content-Length: 2\r\n"));
  talker.say("GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
  open.copy()->finish();
  EXPECT_THAT(talker.hearUntil("GET /next []"), HasSubstr("GET /next []"));
}

TEST_F(PlainServer, KeepsConnectionsForTheNextRequest) {
  base::Guarded<std::set<uint16_t>> ports;
  start([&](const ExchangePtr& exchange) {
    ports.with([&](auto& set) { set.insert(exchange->request().peer->port); });
    echo(exchange);
  });
  for (int i = 0; i < 5; ++i) EXPECT_EQ(client_->call(request("GET", "/")).status, 200);
  EXPECT_EQ(ports.copy().size(), 1U);
}

TEST_F(PlainServer, AnswersFromAnotherThread) {
  base::Guarded<std::vector<std::jthread>> threads;
  start([&](ExchangePtr exchange) {
    threads.with([&](auto& list) { list.emplace_back([exchange = std::move(exchange)] { echo(exchange); }); });
  });
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client_->call(request("GET", "/x")).body, "GET /x []");
}

TEST_F(PlainServer, AnswersPipelinedRequestsInOrder) {
  start(echo);
  std::string answer = talk(server_->port(),
                            "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
                            "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                            "GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(occurrences(answer, "HTTP/1.1 200 OK"), 3U);
  EXPECT_LT(answer.find("GET /1"), answer.find("POST /2 [abc]"));
  EXPECT_LT(answer.find("POST /2 [abc]"), answer.find("GET /3"));
}

TEST_F(PlainServer, ReadsChunkedBodies) {
  start(echo);
  std::string answer = talk(server_->port(),
                            "PUT /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                            "3\r\nabc\r\n4;x\r\ndefg\r\n0\r\nTrailer: t\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("PUT /c [abcdefg]"));
}

TEST_F(PlainServer, AsksForTheBodyOfAClientThatWaits) {
  start(echo);
  Talker talker(server_->port());
  talker.say("PUT /c HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(talker.hearUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  talker.say("abc");
  EXPECT_THAT(talker.hearAll(), HasSubstr("PUT /c [abc]"));
}

TEST_F(PlainServer, SendsNoBodyForHead) {
  start(echo);
  std::string answer = talk(server_->port(), "HEAD /h HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 10\r\n"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(PlainServer, RefusesABodyThatIsTooLarge) {
  ServerOptions options;
  options.maxBody = 1000;
  start(echo, std::move(options));
  EXPECT_EQ(client_->call(request("POST", "/", std::string(1000, 'x'))).status, 200);
  EXPECT_EQ(client_->call(request("POST", "/", std::string(1001, 'x'))).status, 413);
  std::string chunked = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_THAT(talk(server_->port(), chunked + "7d0\r\n" + std::string(2000, 'x')), StartsWith("HTTP/1.1 413"));
}

TEST_F(PlainServer, AClientSeesThe413EvenWhileItStillSends) {
  start(echo);
  EXPECT_EQ(client_->call(request("POST", "/", std::string(8 << 20, 'x'))).status, 413);
}

TEST_F(PlainServer, RefusesAHeadThatTakesTooLong) {
  ServerOptions options;
  options.headTime = std::chrono::milliseconds(20);
  start(echo, std::move(options));
  EXPECT_THAT(talk(server_->port(), "GET / HTTP/1.1\r\nHo"), StartsWith("HTTP/1.1 408"));
  EXPECT_EQ(talk(server_->port(), ""), "") << "a client that says nothing is told nothing";
}

TEST_F(PlainServer, RefusesABodyThatTakesTooLong) {
  ServerOptions options;
  options.bodyTime = std::chrono::milliseconds(20);
  start(echo, std::move(options));
  EXPECT_THAT(talk(server_->port(), "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel"),
              StartsWith("HTTP/1.1 408"));
}

TEST_F(PlainServer, ClosesAConnectionThatNobodyUses) {
  ServerOptions options;
  options.idleTime = std::chrono::milliseconds(20);
  start(echo, std::move(options));
  std::string answer = talk(server_->port(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(occurrences(answer, "HTTP/1.1"), 1U);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(client_->call(request("GET", "/")).status, 200);
}

TEST_F(PlainServer, ClosesAnAnswerThatIsNotTaken) {
  ServerOptions options;
  options.stallTime = std::chrono::milliseconds(20);
  Signal gone;
  const Bytes large = bytes(std::string(64 << 20, 'x'));
  start(
      [&](const ExchangePtr& exchange) {
        exchange->onClosed([&gone] { gone.set(); });
        Response response;
        response.body.push_back(large);
        exchange->respond(std::move(response));
      },
      std::move(options));
  Talker talker(server_->port());
  talker.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(gone.wait());
  auto began = std::chrono::steady_clock::now();
  server_->stop(60000);  // does not take a minute: the connection ends by itself
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(30));
}

TEST_F(PlainServer, WordsItsOwnAnswersAsItWasTold) {
  ServerOptions options;
  options.errorResponse = [](int status, std::string_view why) {
    return Response::text(status, "application/json", "{\"message\":\"" + std::string(why) + "\"}");
  };
  start(echo, std::move(options));
  std::string answer = talk(server_->port(), "GET / HTTP/1.1\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_TRUE(answer.ends_with("{\"message\":\"exactly one Host is required\"}"));
}

TEST_F(PlainServer, AnExchangeThatIsDroppedAnswers500) {
  start([](const ExchangePtr&) {});
  EXPECT_EQ(client_->call(request("GET", "/")).status, 500);
}

TEST_F(PlainServer, AStreamThatIsDroppedIsBrokenOff) {
  start([](const ExchangePtr& exchange) {
    exchange->begin(200, {});
    exchange->write(bytes("some"));
  });
  EXPECT_THROW(client_->call(request("GET", "/")), std::system_error);
}

TEST_F(PlainServer, StreamsUntilItIsFinished) {
  start([](const ExchangePtr& exchange) {
    exchange->begin(200, {});
    for (int i = 0; i < 3; ++i) exchange->write(bytes("event " + std::to_string(i) + "\n"));
    exchange->finish();
  });
  ClientResponse response = client_->call(request("GET", "/"));
  EXPECT_EQ(response.headers.get("transfer-encoding"), "chunked");
  EXPECT_EQ(response.body, "event 0\nevent 1\nevent 2\n");
  EXPECT_EQ(client_->call(request("GET", "/")).body.size(), 24U) << "the connection is good for another request";
}

TEST_F(PlainServer, ATellsTheHandlerThatTheClientHasGone) {
  Signal gone;
  start([&](const ExchangePtr& exchange) {
    exchange->begin(200, {});
    exchange->write(bytes("first"));
    exchange->onClosed([&gone, exchange] { gone.set(); });
  });
  client_->stream(
      request("GET", "/"), {}, [](const ClientResponse&) { return true; }, [](std::string_view) { return false; });
  EXPECT_TRUE(gone.wait());
}

TEST_F(PlainServer, AStopEndsAClientsStream) {
  Signal gone;
  start([&](const ExchangePtr& exchange) {
    exchange->begin(200, {});
    exchange->onClosed([&gone, exchange] { gone.set(); });
  });
  std::stop_source stop;
  client_->stream(
      request("GET", "/"), stop.get_token(),
      [&](const ClientResponse& head) {
        EXPECT_EQ(head.status, 200);
        stop.request_stop();
        return true;
      },
      [](std::string_view) { return true; });
  EXPECT_TRUE(gone.wait());
}

// Writes until it is told to wait, and goes on when it may.
struct Pump : std::enable_shared_from_this<Pump> {
  explicit Pump(ExchangePtr ex) : exchange(std::move(ex)) {}
  void run() {
    while (sent < kTotal) {
      ++sent;
      if (!exchange->write(chunk)) {
        ++holds;
        return;
      }
    }
    exchange->finish();
  }
  static constexpr int kTotal = 1000;
  Bytes chunk = bytes(std::string(10000, 'x'));
  ExchangePtr exchange;
  int sent = 0;
  int holds = 0;
};

void startPump(const ExchangePtr& exchange) {
  auto pump = std::make_shared<Pump>(exchange);
  exchange->begin(200, {});
  exchange->onWritable([pump] { pump->run(); });
  pump->run();
  EXPECT_GT(pump->holds, 0) << "10 MB were taken without a wait";
}

TEST_F(PlainServer, HoldsBackASenderUntilTheClientReads) {
  start(startPump);
  ClientResponse response = client_->call(request("GET", "/"));
  EXPECT_EQ(response.body.size(), 10'000'000U);
}

TEST_F(PlainServer, AnUpgradedConnectionCarriesAnything) {
  base::Guarded<std::vector<std::shared_ptr<RawConnection>>> connections;
  Signal closed;
  start([&](const ExchangePtr& exchange) {
    Headers headers;
    headers.add("Upgrade", "echo");
    auto raw = exchange->upgrade(std::move(headers));
    ASSERT_NE(raw, nullptr);
    raw->onClosed([&closed] { closed.set(); });
    raw->onRead([weak = std::weak_ptr(raw)](std::string_view data) {
      auto self = weak.lock();
      self->write(bytes(std::string(data)));
      if (data.ends_with("bye")) self->close();
    });
    connections.with([&](auto& list) { list.push_back(std::move(raw)); });
  });
  std::string answer =
      talk(server_->port(), "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n\x01\x02 bye");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 101 Switching Protocols\r\n"));
  EXPECT_THAT(answer, HasSubstr("Upgrade: echo\r\n"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\n\x01\x02 bye"));
  EXPECT_TRUE(closed.wait());
}

TEST_F(PlainServer, StoppingLetsAnswersUnderWayEnd) {
  base::Guarded<ExchangePtr> held;
  Signal asked;
  start([&](ExchangePtr exchange) {
    held.with([&](auto& slot) { slot = std::move(exchange); });
    asked.set();
  });
  auto answer = std::async(std::launch::async, [&] { return client_->call(request("GET", "/")); });
  ASSERT_TRUE(asked.wait());
  auto stopped = std::async(std::launch::async, [&] { server_->stop(10000); });
  held.with([](auto& slot) {
    echo(slot);
    slot.reset();
  });
  EXPECT_EQ(answer.get().status, 200);
  stopped.get();
  EXPECT_THROW(client_->call(request("GET", "/")), std::system_error);
}

TEST_F(PlainServer, AnExchangeMayOutliveTheServer) {
  ExchangePtr held;
  Signal asked;
  start([&](ExchangePtr exchange) {
    held = std::move(exchange);
    asked.set();
  });
  auto answer = std::async(std::launch::async, [&] { return client_->call(request("GET", "/")); });
  ASSERT_TRUE(asked.wait());
  server_.reset();
  EXPECT_THROW(answer.get(), std::system_error);
  echo(held);
}

TEST_F(PlainServer, SaysWhichAddressIsTaken) {
  start(echo);
  ServerOptions options{.address = "127.0.0.1", .port = server_->port()};
  try {
    startServer(options, echo);
    FAIL() << "started";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.what(), "bind 127.0.0.1:" + std::to_string(server_->port()) + ": Address already in use");
  }
}

TEST(LocalServer, ListensOnASocketForItsOwnerAlone) {
  std::string path = testing::TempDir() + "net_server_test.sock";
  auto server = startServer({.address = "unix:" + path}, echo);
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  auto client = newHttpClient({.url = "unix:" + path});
  EXPECT_EQ(client->call(request("GET", "/status")).body, "GET /status []");
  EXPECT_THROW(startServer({.address = "unix:" + path}, echo), std::system_error) << "somebody listens there";
  server.reset();
  EXPECT_NE(::stat(path.c_str(), &status), 0) << "the file is removed";
}

}  // namespace
}  // namespace wherry::net
