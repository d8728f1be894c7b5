#include "net/http2.h"

#include <condition_variable>
#include <map>
#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>

#include "base/guarded.h"
#include "net/client_connection.h"
#include "net/server.h"
#include "net/test_certificate.h"

namespace wherry::net {
namespace {

using testing::HasSubstr;

Bytes bytes(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

// What came back on one stream.
struct Reply {
  std::string status;
  std::map<std::string, std::string> fields;
  std::string body;
  bool closed = false;
  uint32_t error = 0;  // the code it was closed with
};

// A client of one connection, driven by the test: nothing is read unless it is asked for.
class Http2Client {
 public:
  explicit Http2Client(uint16_t port) : context_(newTlsClient({.protocol = "h2"})) {
    base::Fd socket = beginConnect({"127.0.0.1", port, ""});
    wait_.until(socket.get(), POLLOUT, kPatience, "connect");
    transport_ = context_->wrap(std::move(socket), "127.0.0.1");
    while (transport_->handshake() == IoStatus::kBlocked) waitForInput();
    EXPECT_EQ(transport_->protocol(), "h2");
    openSession();
  }
  ~Http2Client() { nghttp2_session_del(session_); }

  int32_t ask(const std::string& method, const std::string& path, const std::string& body = "") {
    bodies_.push_back(std::make_unique<std::string>(body));
    nghttp2_nv fields[] = {field(":method", method), field(":path", path), field(":scheme", "https"),
                           field(":authority", "localhost")};
    nghttp2_data_provider source{{.ptr = bodies_.back().get()}, readBody};
    int32_t id = nghttp2_submit_request(session_, nullptr, fields, 4, body.empty() ? nullptr : &source, nullptr);
    send();
    return id;
  }
  const Reply& hear(int32_t id) {
    while (!replies_[id].closed && receive()) {
    }
    return replies_[id];
  }
  const Reply& hearBody(int32_t id, size_t size) {
    while (replies_[id].body.size() < size && receive()) {
    }
    return replies_[id];
  }
  void reset(int32_t id) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    send();
  }

 private:
  static constexpr std::chrono::seconds kPatience{10};

  static nghttp2_nv field(std::string_view name, std::string_view value) {
    auto raw = [](std::string_view text) { return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data())); };
    return {raw(name), raw(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
  }
  static Http2Client& self(void* user) { return *static_cast<Http2Client*>(user); }
  static std::string text(const uint8_t* data, size_t size) { return {reinterpret_cast<const char*>(data), size}; }
  static ssize_t readBody(nghttp2_session*, int32_t, uint8_t* buffer, size_t size, uint32_t* flags,
                          nghttp2_data_source* source, void*) {
    auto& body = *static_cast<std::string*>(source->ptr);
    size_t count = body.copy(reinterpret_cast<char*>(buffer), size);
    body.erase(0, count);
    if (body.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(count);
  }

  void openSession() {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t nameSize,
                      const uint8_t* value, size_t valueSize, uint8_t, void* user) {
          self(user).replies_[frame->hd.stream_id].fields[text(name, nameSize)] = text(value, valueSize);
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks, [](nghttp2_session*, uint8_t, int32_t id, const uint8_t* data, size_t size, void* user) {
          self(user).replies_[id].body += text(data, size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        callbacks, [](nghttp2_session*, int32_t id, uint32_t error, void* user) {
          Reply& reply = self(user).replies_[id];
          reply.closed = true;
          reply.error = error;
          reply.status = reply.fields[":status"];
          return 0;
        });
    nghttp2_session_client_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
    send();
  }

  void waitForInput() { wait_.until(transport_->fd(), POLLIN, kPatience, "answer"); }

  void send() {
    const uint8_t* data = nullptr;
    for (ssize_t size = nghttp2_session_mem_send(session_, &data); size > 0;
         size = nghttp2_session_mem_send(session_, &data)) {
      std::string frames = text(data, static_cast<size_t>(size));
      for (std::string_view left = frames; !left.empty();) {
        IoResult result = transport_->write(left);
        if (result.status == IoStatus::kBlocked) wait_.until(transport_->fd(), POLLOUT, kPatience, "send");
        left.remove_prefix(result.count);
      }
    }
  }

  bool receive() {
    char buffer[16384];
    IoResult result = transport_->read(buffer, sizeof buffer);
    if (result.status == IoStatus::kBlocked) {
      waitForInput();
      return true;
    }
    if (result.status != IoStatus::kOk) return false;
    nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(buffer), result.count);
    send();
    return true;
  }

  std::shared_ptr<const TlsContext> context_;
  Wait wait_{std::stop_token()};
  std::unique_ptr<Transport> transport_;
  nghttp2_session* session_ = nullptr;
  std::vector<std::unique_ptr<std::string>> bodies_;
  std::map<int32_t, Reply> replies_;
};

class Http2Server : public testing::Test {
 protected:
  void start(Handler handler, size_t maxBody = 3 << 20) {
    TestCertificate certificate = makeTestCertificate("server");
    ServerOptions options{.address = "127.0.0.1", .maxBody = maxBody};
    options.certificatePem = certificate.certificatePem;
    options.keyPem = certificate.keyPem;
    server_ = startServer(std::move(options), std::move(handler));
    client_ = std::make_unique<Http2Client>(server_->port());
  }

  std::unique_ptr<Server> server_;
  std::unique_ptr<Http2Client> client_;
};

void echo(const ExchangePtr& exchange) {
  const Request& request = exchange->request();
  std::string text = request.method + " " + request.path + " ?" + request.query + " [" + request.body + "]";
  Response response = Response::text(200, "text/plain", text + " " + std::string(request.headers.get("host")));
  response.headers.add("Connection", "not for HTTP/2");
  response.headers.add("X-Split", "a\r\nb");
  exchange->respond(std::move(response));
}

TEST_F(Http2Server, AnswersRequests) {
  start(echo);
  const Reply& reply = client_->hear(client_->ask("POST", "/api?watch=1", "hello"));
  EXPECT_EQ(reply.status, "200");
  EXPECT_EQ(reply.body, "POST /api ?watch=1 [hello] localhost");
  EXPECT_EQ(reply.fields.at("content-type"), "text/plain");
  EXPECT_THAT(reply.fields.at("date"), HasSubstr("GMT"));
  EXPECT_EQ(reply.fields.count("connection") + reply.fields.count("x-split"), 0U);
}

TEST_F(Http2Server, SendsNoBodyForHead) {
  start(echo);
  const Reply& reply = client_->hear(client_->ask("HEAD", "/"));
  EXPECT_EQ(reply.fields.at("content-length"), "21");
  EXPECT_EQ(reply.body, "");
  EXPECT_EQ(reply.error, 0U);
}

TEST_F(Http2Server, AnswersOutOfOrder) {
  base::Guarded<ExchangePtr> first;
  start([&](const ExchangePtr& exchange) {
    if (exchange->request().path == "/first") {
      first.with([&](auto& slot) { slot = exchange; });
    } else {
      echo(exchange);
    }
  });
  int32_t slow = client_->ask("GET", "/first");
  EXPECT_EQ(client_->hear(client_->ask("GET", "/second")).status, "200");
  first.with([](auto& slot) {
    echo(slot);
    slot.reset();
  });
  EXPECT_THAT(client_->hear(slow).body, HasSubstr("/first"));
}

TEST_F(Http2Server, CarriesLargeBodiesOfManyStreams) {
  start([](const ExchangePtr& exchange) {
    exchange->respond(Response::text(200, "text/plain", exchange->request().body));
  });
  std::vector<int32_t> asked;
  for (int i = 0; i < 5; ++i) asked.push_back(client_->ask("PUT", "/", std::string(100'000 + i, 'x')));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(client_->hear(asked[i]).body.size(), 100'000U + i);
}

TEST_F(Http2Server, RefusesABodyThatIsTooLarge) {
  start(echo, 1000);
  EXPECT_EQ(client_->hear(client_->ask("PUT", "/", std::string(1000, 'x'))).status, "200");
  EXPECT_EQ(client_->hear(client_->ask("PUT", "/", std::string(30000, 'x'))).status, "413");
  EXPECT_EQ(client_->hear(client_->ask("GET", "/")).status, "200") << "the connection lives on";
}

TEST_F(Http2Server, AnExchangeThatIsDroppedAnswers500) {
  start([](const ExchangePtr&) {});
  EXPECT_EQ(client_->hear(client_->ask("GET", "/")).status, "500");
}

TEST_F(Http2Server, AStreamThatIsDroppedIsReset) {
  start([](const ExchangePtr& exchange) {
    exchange->begin(200, {});
    exchange->write(bytes("some"));
  });
  const Reply& reply = client_->hear(client_->ask("GET", "/"));
  EXPECT_EQ(reply.status, "200");
  EXPECT_EQ(reply.error, static_cast<uint32_t>(NGHTTP2_INTERNAL_ERROR));
}

TEST_F(Http2Server, CannotBeUpgraded) {
  start([](const ExchangePtr& exchange) {
    EXPECT_EQ(exchange->upgrade({}), nullptr);
    echo(exchange);
  });
  EXPECT_EQ(client_->hear(client_->ask("GET", "/")).status, "200");
}

// A sender that keeps writing as long as it may.
struct Pump {
  static constexpr size_t kTotal = 10'000'000;

  std::mutex mutex;
  std::condition_variable changed;
  ExchangePtr exchange;
  size_t sent = 0;
  int holds = 0;
  bool gone = false;

  void begin(const ExchangePtr& ex) {
    exchange = ex;
    exchange->begin(200, {});
    exchange->onWritable([this] { run(); });
    exchange->onClosed([this] {
      std::lock_guard lock(mutex);
      gone = true;
      changed.notify_all();
    });
    run();
  }
  void run() {
    std::lock_guard lock(mutex);
    while (sent < kTotal) {
      sent += chunk->size();
      if (!exchange->write(chunk)) {
        ++holds;
        return;
      }
    }
    exchange->finish();
  }
  Bytes chunk = bytes(std::string(10'000, 'x'));
};

TEST_F(Http2Server, HoldsBackOneStreamWhileOthersGoOn) {
  Pump pump;
  start([&](const ExchangePtr& exchange) {
    exchange->request().path == "/pump" ? pump.begin(exchange) : echo(exchange);
  });
  int32_t pumped = client_->ask("GET", "/pump");
  EXPECT_EQ(client_->hear(client_->ask("GET", "/")).status, "200");
  {
    std::lock_guard lock(pump.mutex);
    EXPECT_GT(pump.holds, 0);
    EXPECT_LT(pump.sent, Pump::kTotal) << "more than the window was taken";
  }
  EXPECT_EQ(client_->hear(pumped).body.size(), Pump::kTotal);
  server_->stop(0);  // before the pump goes
}

TEST_F(Http2Server, TellsTheHandlerThatTheClientHasReset) {
  Pump pump;
  start([&](const ExchangePtr& exchange) { pump.begin(exchange); });
  int32_t id = client_->ask("GET", "/");
  client_->hearBody(id, 1);
  client_->reset(id);
  std::unique_lock lock(pump.mutex);
  EXPECT_TRUE(pump.changed.wait_for(lock, std::chrono::seconds(10), [&] { return pump.gone; }));
  lock.unlock();
  server_->stop(0);
}

}  // namespace
}  // namespace wherry::net
