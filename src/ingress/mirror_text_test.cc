// With a HAProxy of this machine, on loopback.
#include "ingress/mirror_text.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strings.h"
#include "ingress/data_plane_test_support.h"

namespace wherry::ingress {
namespace {

constexpr std::chrono::seconds kPatience{60};

std::string readBytes(int fd, size_t count) {
  std::string text(count, ' ');
  size_t got = 0;
  for (ssize_t n = 1; n > 0 && got < count;) {
    n = ::read(fd, text.data() + got, count - got);
    got += static_cast<size_t>(std::max<ssize_t>(n, 0));
  }
  text.resize(got);
  return text;
}

// The value of a header, "" when it isn't there.
std::string headerOf(const std::string& head, const std::string& name) {
  const std::string lower = base::toLower(head), key = "\r\n" + name + ": ";
  const size_t at = lower.find(key);
  if (at == std::string::npos) return "";
  return head.substr(at + key.size(), head.find("\r\n", at + 2) - at - key.size());
}

struct Seen {
  std::string head;
  std::string body;
};

// A web server that remembers what it was asked, and answers 200, or never.
class Recorder {
 public:
  enum class Answers { kAlways, kNever };
  explicit Recorder(Answers answers = Answers::kAlways) : answers_(answers), listener_(listenOn(port_)) {
    thread_ = std::jthread([this](std::stop_token stop) {
      serveConnections(listener_.get(), stop, [this](int fd) { return answer(fd); });
    });
  }
  ~Recorder() {
    thread_.request_stop();
    ::shutdown(listener_.get(), SHUT_RDWR);
  }
  Endpoint endpoint() const { return {"127.0.0.1", port_, ""}; }

  // Waits for the next request, the body included; "no request" when none comes.
  Seen next() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kPatience, [&] { return !seen_.empty(); })) return {"no request", ""};
    Seen first = std::move(seen_.front());
    seen_.pop_front();
    return first;
  }
  // Waits until the first `count` bytes of a body are there.
  bool hasRead(size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return read_ >= count; });
  }
  // Waits for the head of a request, whose body may still be on the way.
  bool hasHead() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return heads_ > 0; });
  }
  size_t requests() {
    std::scoped_lock lock(mutex_);
    return requests_;
  }
  bool waitRequests(size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return requests_ >= count; });
  }

 private:
  bool answer(int fd) {
    Seen seen{readUntil(fd, "\r\n\r\n"), ""};
    if (seen.head.empty()) return false;
    {
      std::scoped_lock lock(mutex_);
      ++heads_;
    }
    changed_.notify_all();
    if (headerOf(seen.head, "transfer-encoding") == "chunked") {
      for (size_t size = 1; size > 0;) {
        size = std::strtoul(readUntil(fd, "\r\n").c_str(), nullptr, 16);
        take(seen, readBytes(fd, size));
        readUntil(fd, "\r\n");
      }
    } else if (const std::string length = headerOf(seen.head, "content-length"); !length.empty()) {
      take(seen, readBytes(fd, std::stoul(length)));
    }
    {
      std::scoped_lock lock(mutex_);
      seen_.push_back(std::move(seen));
      ++requests_;
    }
    changed_.notify_all();
    if (answers_ == Answers::kNever) return true;  // until the other side closes
    constexpr std::string_view text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    return ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  }
  void take(Seen& seen, const std::string& piece) {
    seen.body += piece;
    std::scoped_lock lock(mutex_);
    read_ += piece.size();
    changed_.notify_all();
  }

  const Answers answers_;
  uint16_t port_ = 0;
  base::Fd listener_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Seen> seen_;
  size_t heads_ = 0;
  size_t requests_ = 0;
  size_t read_ = 0;  // bytes of bodies
  std::jthread thread_;
};

// A client that sends a request in parts.
class Sender {
 public:
  explicit Sender(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback(port);
    timeval patience{.tv_sec = 60, .tv_usec = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    EXPECT_EQ(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  void send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t n = ::write(fd_.get(), text.data(), text.size());
      if (n <= 0) return;
      text.remove_prefix(static_cast<size_t>(n));
    }
  }
  void sendChunk(std::string_view data) { send(fmt::format("{:x}\r\n{}\r\n", data.size(), data)); }
  std::string status() {
    const std::string head = readUntil(fd_.get(), "\r\n\r\n");
    readBytes(fd_.get(), std::strtoul(headerOf(head, "content-length").c_str(), nullptr, 10));
    return head.substr(0, 12);
  }

 private:
  base::Fd fd_;
};

class MirrorTest : public DataPlaneTest {
 protected:
  Route mirrored(std::vector<Mirror> mirrors) {
    Route route = this->route("", {PathMatch::Kind::kPrefix, "/"}, "web");
    route.to.mirrors = std::move(mirrors);
    return route;
  }
  static Mirror mirror(const std::string& service, uint32_t part = 1, uint32_t total = 1) {
    return {{"default", service, "http"}, Protocol::kHttp, part, total};
  }
  std::string ask(const std::string& text) {
    Sender sender(port_);
    sender.send(text);
    return sender.status();
  }
  static std::string post(const std::string& path, const std::string& body) {
    return fmt::format("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}", path, body.size(), body);
  }
};

TEST_F(MirrorTest, HasACopyOfWhatTheBackendGets) {
  Recorder web, copies, others;
  endpoints_ = {{"web", {web.endpoint()}}, {"copies", {copies.endpoint()}}, {"others", {others.endpoint()}}};
  Route route = mirrored({mirror("copies"), mirror("others")});
  route.to.headers = {{HeaderChange::On::kRequest, HeaderChange::How::kSet, "X-Set", "by the rule"}};
  route.to.path = {PathChange::Kind::kFull, "/new"};
  ASSERT_TRUE(plane_->setModel(modelOf({route})).empty());
  EXPECT_EQ(ask("PATCH /old?q=1 HTTP/1.1\r\nHost: a.example.com\r\nX-Own: 1\r\nX-Own: 2\r\nX-Wherry-Mirror: me\r\n"
                "Content-Length: 4\r\n\r\nbody"),
            "HTTP/1.1 200");
  for (Recorder* each : {&web, &copies, &others}) {
    const Seen seen = each->next();
    EXPECT_TRUE(seen.head.starts_with("PATCH /new?q=1 HTTP/1.1\r\n")) << seen.head;
    EXPECT_EQ(headerOf(seen.head, "host"), "a.example.com");
    EXPECT_EQ(headerOf(seen.head, "x-set"), "by the rule");
    EXPECT_NE(base::toLower(seen.head).find("\r\nx-own: 1\r\nx-own: 2\r\n"), std::string::npos) << seen.head;
    EXPECT_EQ(headerOf(seen.head, "x-forwarded-for"), "127.0.0.1");
    EXPECT_EQ(seen.body, "body");
    if (each != &web) {
      EXPECT_EQ(headerOf(seen.head, "x-wherry-mirror"), "");
    }
  }
}

TEST_F(MirrorTest, HasACopyWhereClientsAddressesArePreserved) {
  Recorder web, copies;
  endpoints_ = {{"web", {web.endpoint()}}, {"copies", {copies.endpoint()}}};
  Route route = mirrored({mirror("copies")});
  route.to.preserveClientIp = {base::IpFamily::kIPv4};
  ASSERT_TRUE(plane_->setModel(modelOf({route})).empty());
  EXPECT_EQ(ask(post("/a", "body")), "HTTP/1.1 200");
  EXPECT_EQ(web.next().body, "body");
  EXPECT_EQ(copies.next().body, "body");
}

TEST_F(MirrorTest, IsSentABodyWhenItIsWholeAndTheBackendAsItComes) {
  Recorder web, copies;
  endpoints_ = {{"web", {web.endpoint()}}, {"copies", {copies.endpoint()}}};
  ASSERT_TRUE(plane_->setModel(modelOf({mirrored({mirror("copies")})})).empty());
  Sender sender(port_);
  sender.send("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string half(300'000, 'a');
  sender.sendChunk(half);
  ASSERT_TRUE(web.hasRead(half.size() / 2));  // nobody waits for the rest
  EXPECT_EQ(copies.requests(), 0U);
  sender.sendChunk("end");
  sender.send("0\r\n\r\n");
  EXPECT_EQ(sender.status(), "HTTP/1.1 200");
  EXPECT_EQ(web.next().body, half + "end");
  const Seen copy = copies.next();
  EXPECT_EQ(copy.body, half + "end");
  EXPECT_EQ(headerOf(copy.head, "content-length"), std::to_string(half.size() + 3));
}

TEST_F(MirrorTest, DoesNotGetWhatIsTooLong) {
  Recorder web, copies;
  endpoints_ = {{"web", {web.endpoint()}}, {"copies", {copies.endpoint()}}};
  ASSERT_TRUE(plane_->setModel(modelOf({mirrored({mirror("copies")})})).empty());
  EXPECT_EQ(ask(post("/long", std::string(kLongestMirroredBody + 1, 'a'))), "HTTP/1.1 200");
  EXPECT_EQ(ask(post("/just", std::string(kLongestMirroredBody, 'a'))), "HTTP/1.1 200");
  EXPECT_EQ(web.next().body.size(), kLongestMirroredBody + 1);
  const Seen copy = copies.next();
  EXPECT_TRUE(copy.head.starts_with("POST /just ")) << copy.head;
  EXPECT_EQ(copy.body.size(), kLongestMirroredBody);
}

TEST_F(MirrorTest, ThatNeverAnswersOrIsNotThereHoldsNothingUp) {
  Recorder web, deaf(Recorder::Answers::kNever);
  endpoints_ = {{"web", {web.endpoint()}}, {"deaf", {deaf.endpoint()}}, {"none", {}}, {"away", {{"127.0.0.1", 1, ""}}}};
  ASSERT_TRUE(plane_->setModel(modelOf({mirrored({mirror("deaf"), mirror("none"), mirror("away")})})).empty());
  Sender sender(port_);  // one connection is of one thread, which has 64 copies under way at most
  for (int i = 0; i < 100; ++i) {
    sender.send(post("/", "body"));
    ASSERT_EQ(sender.status(), "HTTP/1.1 200");
  }
  ASSERT_TRUE(deaf.waitRequests(1));
  EXPECT_LE(deaf.requests(), 64U);
}

TEST_F(MirrorTest, GetsItsPart) {
  Recorder web, all, some, none;
  endpoints_ = {
      {"web", {web.endpoint()}}, {"all", {all.endpoint()}}, {"some", {some.endpoint()}}, {"rare", {none.endpoint()}}};
  ASSERT_TRUE(plane_
                  ->setModel(modelOf(
                      {mirrored({mirror("some", 30, 100), mirror("rare", 1, 2'000'000'000), mirror("all", 100, 100)})}))
                  .empty());
  Sender sender(port_);
  for (size_t i = 1; i <= 200; ++i) {
    sender.send(post("/", ""));
    ASSERT_EQ(sender.status(), "HTTP/1.1 200");
    ASSERT_TRUE(all.waitRequests(i));
  }
  ASSERT_TRUE(some.waitRequests(20));
  EXPECT_LE(some.requests(), 110U);
  EXPECT_EQ(none.requests(), 0U);
}

TEST_F(MirrorTest, GetsTheRestOfWhatAReloadCameInto) {
  Recorder web, copies;
  endpoints_ = {{"web", {web.endpoint()}}, {"copies", {copies.endpoint()}}};
  ASSERT_TRUE(plane_->setModel(modelOf({mirrored({mirror("copies")})})).empty());
  Sender sender(port_);
  sender.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nfour");
  ASSERT_TRUE(web.hasHead());
  const std::string before = pid();
  ASSERT_TRUE(
      plane_->setModel(modelOf({mirrored({mirror("copies")}), route("y", {PathMatch::Kind::kPrefix, "/"}, "web")}))
          .empty());
  EXPECT_NE(pid(), before);
  EXPECT_EQ(ask(post("/b", "after")), "HTTP/1.1 200");
  EXPECT_EQ(copies.next().body, "after");
  sender.send("more");
  EXPECT_EQ(sender.status(), "HTTP/1.1 200");
  EXPECT_EQ(copies.next().body, "fourmore");
}

TEST_F(MirrorTest, IsNeededForAScript) {
  endpoints_ = {{"web", {}}, {"copies", {}}};
  const std::filesystem::path script = directory_ / kMirrorScriptFile;
  plane_->setModel(modelOf({route("", {PathMatch::Kind::kPrefix, "/"}, "web")}));
  EXPECT_FALSE(std::filesystem::exists(script));
  EXPECT_EQ(plane_->shape().text.find("lua"), std::string::npos);
  plane_->setModel(modelOf({mirrored({mirror("copies")})}));
  EXPECT_TRUE(std::filesystem::exists(script));
  EXPECT_TRUE(plane_->shape().sections.contains("mirror:default:copies:http"));
}

}  // namespace
}  // namespace wherry::ingress
