// For tests: a DataPlane with a HAProxy of this machine, on loopback, a web server behind it and a client.
#pragma once

#include <array>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <semaphore>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/subprocess.h"
#include "ingress/data_plane.h"
#include "pki/certificate.h"

namespace wherry::ingress {

inline sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

inline base::Fd listenOn(uint16_t& port) {
  base::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(port);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(fd.get(), 64), 0);
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  port = ntohs(address.sin_port);
  return fd;
}

// One that nobody has at the moment.
inline uint16_t freePort() {
  uint16_t port = 0;
  listenOn(port);
  return port;
}

// Reads up to `end`; what came.
inline std::string readUntil(int fd, std::string_view end) {
  std::string text;
  char c;
  while (!text.ends_with(end) && ::read(fd, &c, 1) == 1) text += c;
  return text;
}

// Takes connections until the listener is shut down; each has a thread that calls `answer` until that says false.
inline void serveConnections(int listener, const std::stop_token& stop, const std::function<bool(int)>& answer) {
  std::vector<std::jthread> connections;
  while (!stop.stop_requested()) {
    base::Fd fd(::accept(listener, nullptr, nullptr));
    if (!fd) return;
    connections.emplace_back([&answer, fd = std::make_shared<base::Fd>(std::move(fd))](const std::stop_token& end) {
      std::stop_callback close(end, [&] { ::shutdown(fd->get(), SHUT_RDWR); });
      while (answer(fd->get())) {
      }
    });
  }
}

// A web server that answers every request, once all of it is there, with its name and the request's path, on
// connections that stay. A connection that shall become another protocol's gets back what it says.
class Web {
 public:
  explicit Web(std::string name) : name_(std::move(name)), listener_(listenOn(port_)) {
    thread_ = std::jthread([this](std::stop_token stop) {
      serveConnections(listener_.get(), stop, [this](int fd) { return answer(fd); });
    });
  }
  ~Web() {
    thread_.request_stop();
    ::shutdown(listener_.get(), SHUT_RDWR);
  }
  Endpoint endpoint(const std::string& hostname = "") const { return {"127.0.0.1", port_, hostname}; }
  // Answers of requests to /slow wait for this.
  void release() { slow_.set_value(); }
  std::future<void> slowRequestIsThere() { return slowCame_.get_future(); }

 private:
  bool answer(int fd) {
    std::string head = readUntil(fd, "\r\n\r\n");
    if (head.size() < 4) return false;
    std::string path = head.substr(4, head.find(' ', 4) - 4);
    if (path == "/slow") {
      slowCame_.set_value();
      released_.wait();
    }
    if (head.find("\r\nupgrade: echo") != std::string::npos) return echo(fd);
    if (head.find("\r\ntransfer-encoding: ") != std::string::npos) readUntil(fd, "\r\n0\r\n\r\n");
    std::string body = name_ + " " + path + "\n";
    std::string text = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    return ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  }

  static bool echo(int fd) {
    constexpr std::string_view kSwitched =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";
    ssize_t said = ::write(fd, kSwitched.data(), kSwitched.size());
    std::array<char, 4096> buffer;
    while (said > 0) {
      const ssize_t got = ::read(fd, buffer.data(), buffer.size());
      said = got > 0 ? ::write(fd, buffer.data(), static_cast<size_t>(got)) : 0;
    }
    return false;
  }

  std::string name_;
  uint16_t port_ = 0;
  base::Fd listener_;
  std::promise<void> slow_;
  std::shared_future<void> released_ = slow_.get_future().share();
  std::promise<void> slowCame_;
  std::jthread thread_;
};

// A client's connection.
class Connection {
 public:
  explicit Connection(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback(port);
    timeval patience{.tv_sec = 30, .tv_usec = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    connected_ = ::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  // "200 web-0 /path", or the status alone; "" without an answer.
  std::string get(const std::string& host, const std::string& path, const std::string& headers = "") {
    if (!connected_) return "";
    std::string text = "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n" + headers + "\r\n";
    if (::write(fd_.get(), text.data(), text.size()) < 0) return "";
    return answer();
  }
  // A body of so many bytes in chunks, whose sum is said nowhere.
  std::string put(const std::string& host, const std::string& path, size_t bytes) {
    sendSome("PUT " + path + " HTTP/1.1\r\nHost: " + host + "\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (size_t sent = 0; sent < bytes; sent += 500) sendSome("1f4\r\n" + std::string(500, 'x') + "\r\n");
    sendSome("0\r\n\r\n");
    return answer();
  }
  // As many bytes as come back, of those that are sent once the connection is another protocol's.
  size_t echo(const std::string& host, size_t bytes) {
    sendSome("GET / HTTP/1.1\r\nHost: " + host + "\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
    readUntil(fd_.get(), "\r\n\r\n");
    size_t back = 0;
    for (size_t sent = 0; sent < bytes; sent += 1000) {
      sendSome(std::string(999, 'x') + "\n");
      back += readUntil(fd_.get(), "\n").size();
    }
    return back;
  }
  // What is answered to any bytes: the status, and of 200 the first line of the body; "" without an answer.
  std::string send(std::string_view request) {
    if (!connected_ || ::write(fd_.get(), request.data(), request.size()) < 0) return "";
    ::shutdown(fd_.get(), SHUT_WR);
    const std::string head = readUntil(fd_.get(), "\r\n\r\n");
    if (head.size() < 12) return "";
    const std::string status = head.substr(9, 3);
    return status == "200" ? status + " " + readUntil(fd_.get(), "\n").substr(0, 200) : status;
  }
  const std::string& cookie() const { return cookie_; }      // the last that was set
  const std::string& location() const { return location_; }  // of the last answer

 private:
  // Where the other end has heard enough it doesn't take the rest.
  void sendSome(const std::string& text) { [[maybe_unused]] auto sent = ::write(fd_.get(), text.data(), text.size()); }
  std::string readBody(const std::string& head) {
    size_t length = head.find("content-length: ");
    size_t left = length == std::string::npos ? 0 : std::stoul(head.substr(length + 16));
    std::string body;
    char c = 0;
    while (left-- > 0 && ::read(fd_.get(), &c, 1) == 1) body += c;
    return body;
  }
  std::string answer() {
    std::string head = readUntil(fd_.get(), "\r\n\r\n");
    if (head.size() < 12) return "";
    std::string status = head.substr(9, 3);
    size_t cookie = head.find("set-cookie: ");
    if (cookie != std::string::npos) cookie_ = head.substr(cookie + 12, head.find(';', cookie) - cookie - 12);
    size_t location = head.find("location: ");
    location_ =
        location == std::string::npos ? "" : head.substr(location + 10, head.find('\r', location) - location - 10);
    std::string body = readBody(head);
    return status == "200" ? status + " " + body.substr(0, 100) : status;
  }

  base::Fd fd_;
  bool connected_ = false;
  std::string cookie_;
  std::string location_;
};

// It has ended, or does so soon.
inline bool isGone(pid_t process) {
  for (int i = 0; i < 600 && ::kill(process, 0) == 0; ++i) ::poll(nullptr, 0, 50);
  return ::kill(process, 0) != 0;
}

class DataPlaneTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!base::findProgram("haproxy") || ::geteuid() != 0) GTEST_SKIP() << "needs haproxy, and to be root";
    ::signal(SIGPIPE, SIG_IGN);
    directory_ = std::filesystem::path(::testing::TempDir()) / ("plane-" + std::to_string(::getpid()));
    settings_.directory = directory_;
    settings_.user = "nobody";
    settings_.group = "nogroup";
    settings_.addresses = {"127.0.0.1"};
    settings_.statusAddress = "";
    plane_ = makePlane();
  }
  void TearDown() override {
    if (plane_) plane_->setModel({});
    std::filesystem::remove_all(directory_);
  }

  std::unique_ptr<DataPlane> makePlane() {
    return std::make_unique<DataPlane>(
        settings_,
        DataPlane::Hooks{
            .endpointsOf = [this](const ServicePort& port,
                                  std::optional<base::IpFamily>) { return endpoints_[port.service]; },
            .makeCertificate =
                [] {
                  auto pair = pki::newAuthority("default", std::chrono::hours(24), base::Clock::system().now());
                  return pair.certificatePem + pair.keyPem;
                },
            .onEnd = [this] { ended_.release(); },
            .meanwhile = [this] { meanwhile_(); },
            .wake =
                [this] {
                  ++starts_;
                  woken_.release();
                },
            .returnPath = {.open = [this] { openReturnPath_(); }, .close = [this] { returnPath_ = "closed"; }},
            .onFormerEnd = [this] { formerEnded_.release(); },
        });
  }

  Route route(const std::string& host, const PathMatch& path, const std::string& service) {
    Route route{{"Ingress", "default", service}, {host, false}, path, {}, {}};
    route.to.shares = {{{"default", service, "http"}, 1}};
    return route;
  }
  Model modelOf(std::vector<Route> routes) {
    Model model;
    model.ports[port_] = {port_, false, std::move(routes), {}, {}};
    return model;
  }
  std::string get(const std::string& host, const std::string& path) { return Connection(port_).get(host, path); }
  // After a reload the one before may still take a connection, until it has read its signal.
  std::string getOfNew(const std::string& host, const std::string& path, const std::string& wanted) {
    for (int i = 0; i < 1000 && get(host, path) != wanted; ++i) ::poll(nullptr, 0, 10);
    return get(host, path);
  }
  void setEndpoints(const std::string& service, std::vector<Endpoint> endpoints) {
    endpoints_[service] = std::move(endpoints);
    plane_->updateEndpoints({"default/" + service});
  }
  std::string pid() const {
    std::string pid;
    std::ifstream(directory_ / "haproxy.pid") >> pid;
    return pid;
  }

  std::filesystem::path directory_;
  Settings settings_;
  std::map<std::string, std::vector<Endpoint>> endpoints_;
  std::counting_semaphore<> ended_{0};
  std::atomic<int> starts_ = 0;  // of HAProxy, that were tried
  std::counting_semaphore<> woken_{0}, formerEnded_{0};
  std::string returnPath_ = "untouched";
  std::function<void()> openReturnPath_ = [this] { returnPath_ = "open"; };
  std::function<void()> meanwhile_ = [this] { woken_.acquire(); };
  const uint16_t port_ = freePort();
  std::unique_ptr<DataPlane> plane_;
};

}  // namespace wherry::ingress
