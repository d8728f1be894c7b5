// A client for figures that the usual load generators can't give. Over TLS, HTTP/1.1, with a bearer token:
//
//   api_load watch PORT TOKEN CONNECTIONS RATE SECONDS     so many watchers of one ConfigMap, which changes RATE times
//   a
//                                                          second: how long until each of them has each change
//   api_load get PORT TOKEN RATE SECONDS PATH              how long single GETs take, one after the other
//
// Prints one line of JSON, times in milliseconds.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kObject = "/api/v1/namespaces/default/configmaps";
constexpr std::string_view kSent = "\"sentNanos\":\"";
constexpr size_t kDigits = 19;

long long nowNanos() { return Clock::now().time_since_epoch() / std::chrono::nanoseconds(1); }

struct Server {
  std::string token;
  uint16_t port = 0;
};

// One connection, blocking unless its descriptor is told not to.
class Connection {
 public:
  Connection(SSL_CTX* context, const Server& server) : token_(server.token), fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int yes = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    ssl_.reset(SSL_new(context));
    SSL_set_fd(ssl_.get(), fd_);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || SSL_connect(ssl_.get()) != 1) {
      throw std::runtime_error("can't connect");
    }
  }
  Connection(const Connection&) = delete;
  ~Connection() { ::close(fd_); }

  int fd() const { return fd_; }
  void send(std::string_view method, std::string_view path, std::string_view body = {}) {
    std::string text = fmt::format(
        "{} {} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n"
        "Content-Length: {}\r\n\r\n{}",
        method, path, token_, body.size(), body);
    if (SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) <= 0) throw std::runtime_error("can't send");
  }
  // Up to this many bytes; 0 when there is nothing at the moment (non-blocking) or any more.
  size_t read(char* into, size_t size) {
    int count = SSL_read(ssl_.get(), into, static_cast<int>(size));
    return count > 0 ? static_cast<size_t>(count) : 0;
  }
  // The head's first line, with head and body (by its Content-Length) read.
  std::string response() {
    std::string text;
    char buffer[16384];
    for (size_t end = std::string::npos;;) {
      size_t count = read(buffer, sizeof buffer);
      if (count == 0) throw std::runtime_error("no whole answer");
      text.append(buffer, count);
      if (end == std::string::npos) end = text.find("\r\n\r\n");
      if (end == std::string::npos) continue;
      size_t length = text.find("Content-Length: ");
      if (length > end) length = text.find("content-length: ");
      size_t body = length < end ? std::strtoul(text.c_str() + length + 16, nullptr, 10) : 0;
      if (text.size() >= end + 4 + body) return text.substr(0, text.find("\r\n"));
    }
  }
  void call(std::string_view method, std::string_view path, std::string_view body = {}) {
    send(method, path, body);
    std::string line = response();
    if (line.find(" 20") == std::string::npos) throw std::runtime_error(fmt::format("{} {}: {}", method, path, line));
  }

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  std::string token_;
  int fd_;
  std::unique_ptr<SSL, Free> ssl_;
};

SSL_CTX* newContext() {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);  // a trial on the loopback
  return context;
}

void print(std::vector<double>& times, size_t expected) {
  std::sort(times.begin(), times.end());
  auto at = [&](double share) {
    return times.empty()
               ? 0.0
               : times[std::min(times.size() - 1, static_cast<size_t>(share * static_cast<double>(times.size())))];
  };
  fmt::print("{{\"count\": {}, \"expected\": {}, \"p50\": {:.3f}, \"p99\": {:.3f}, \"max\": {:.3f}}}\n", times.size(),
             expected, at(0.5), at(0.99), at(1));
}

std::string changedObject() {
  return fmt::format(R"({{"metadata":{{"name":"watched"}},"data":{{"sentNanos":"{:0{}}"}}}})", nowNanos(), kDigits);
}

// What a watcher has heard, of which only the end may belong to an event that is still coming.
class Heard {
 public:
  void add(std::string_view bytes, long long now, std::vector<double>& times) {
    text_ += bytes;
    size_t done = 0;
    for (size_t at; (at = text_.find(kSent, done)) != std::string::npos;) {
      if (at + kSent.size() + kDigits > text_.size()) break;
      long long sent = 0;
      std::from_chars(text_.data() + at + kSent.size(), text_.data() + at + kSent.size() + kDigits, sent);
      times.push_back(static_cast<double>(now - sent) / 1e6);
      done = at + kSent.size() + kDigits;
    }
    text_.erase(0, std::max(done, text_.size() > kKeep ? text_.size() - kKeep : 0));
  }

 private:
  static constexpr size_t kKeep = kSent.size() + kDigits;
  std::string text_;
};

void watch(const Server& server, size_t connections, int rate, int seconds) {
  SSL_CTX* context = newContext();
  Connection writer(context, server);
  writer.call("POST", kObject, changedObject());
  std::vector<std::unique_ptr<Connection>> watchers;
  std::vector<Heard> heard(connections);
  std::vector<double> times;
  int epoll = ::epoll_create1(0);
  for (size_t i = 0; i < connections; ++i) {
    watchers.push_back(std::make_unique<Connection>(context, server));
    watchers[i]->send("GET", fmt::format("{}?watch=1&fieldSelector=metadata.name%3Dwatched", kObject));
    epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, watchers[i]->fd(), &event);
    ::fcntl(watchers[i]->fd(), F_SETFL, O_NONBLOCK);
  }
  char buffer[16384];
  auto listen = [&](int millis) {
    epoll_event events[256];
    int count = ::epoll_wait(epoll, events, 256, millis);
    for (int i = 0; i < count; ++i) {
      size_t watcher = events[i].data.u64, size;
      while ((size = watchers[watcher]->read(buffer, sizeof buffer)) > 0) {
        heard[watcher].add({buffer, size}, nowNanos(), times);
      }
    }
  };
  while (times.size() < connections) listen(1000);  // the first event of each: the object as it is
  times.clear();
  size_t changes = static_cast<size_t>(rate) * static_cast<size_t>(seconds);
  std::jthread changing([&] {
    auto next = Clock::now();
    for (size_t i = 0; i < changes; ++i, next += std::chrono::nanoseconds(1'000'000'000 / rate)) {
      std::this_thread::sleep_until(next);
      writer.call("PUT", fmt::format("{}/watched", kObject), changedObject());
    }
  });
  auto until = Clock::now() + std::chrono::seconds(seconds + 10);
  while (times.size() < changes * connections && Clock::now() < until) listen(1000);
  print(times, changes * connections);
}

void get(const Server& server, int rate, int seconds, const std::string& path) {
  Connection connection(newContext(), server);
  std::vector<double> times;
  size_t count = static_cast<size_t>(rate) * static_cast<size_t>(seconds);
  auto next = Clock::now();
  for (size_t i = 0; i < count; ++i, next += std::chrono::nanoseconds(1'000'000'000 / rate)) {
    std::this_thread::sleep_until(next);
    long long began = nowNanos();
    connection.call("GET", path);
    times.push_back(static_cast<double>(nowNanos() - began) / 1e6);
  }
  print(times, count);
}

}  // namespace

int main(int argc, char** argv) {
  auto number = [&](int i) { return std::atoi(argv[i]); };
  try {
    std::string mode = argc > 6 ? argv[1] : "";
    if (mode != "watch" && mode != "get") throw std::runtime_error("usage: api_load watch|get PORT TOKEN ...");
    Server server{argv[3], static_cast<uint16_t>(number(2))};
    if (mode == "watch") watch(server, static_cast<size_t>(number(4)), number(5), number(6));
    if (mode == "get") get(server, number(4), number(5), argv[6]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "api_load: %s\n", error.what());
    return 1;
  }
  return 0;
}
