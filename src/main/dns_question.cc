#include "main/dns_question.h"

#include <cerrno>
#include <cstring>
#include <optional>
#include <stdexcept>

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/random.h"
#include "main/socket_target.h"

namespace wherry::main {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxMessage = 65535;

// A socket with a deadline. Its failures are sentences.
class Conversation {
 public:
  Conversation(const std::string& server, int type, std::chrono::milliseconds patience)
      : server_(server), patience_(patience), deadline_(Clock::now() + patience) {
    auto target = parseTarget(server);
    if (!target) throw std::runtime_error(fmt::format("{} is not an address and a port", server));
    fd_.reset(::socket(target->storage.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd_) fail(errno);
    if (::connect(fd_.get(), target->generic(), target->size) != 0 && errno != EINPROGRESS) fail(errno);
  }

  void send(std::string_view bytes) {
    await(POLLOUT);
    if (::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) fail(errno);
  }

  // What comes next, `most` bytes of it at most.
  std::string receive(size_t most) {
    await(POLLIN);
    std::string bytes(most, '\0');
    ssize_t size = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
    if (size < 0) fail(errno);
    bytes.resize(static_cast<size_t>(size));
    return bytes;
  }

  std::string receiveWhole(size_t size) {
    std::string bytes;
    while (bytes.size() < size) {
      std::string more = receive(size - bytes.size());
      if (more.empty()) fail(ECONNRESET);
      bytes += more;
    }
    return bytes;
  }

 private:
  [[noreturn]] void fail(int error) const {
    if (error == ECONNREFUSED) throw std::runtime_error(fmt::format("nobody listens on {}", server_));
    if (error == ETIMEDOUT)
      throw std::runtime_error(fmt::format("{} does not answer within {} ms", server_, patience_.count()));
    throw std::runtime_error(fmt::format("{}: {}", server_, std::strerror(error)));
  }

  void await(short events) const {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
    pollfd fd{fd_.get(), events, 0};
    int ready = left > 0 ? ::poll(&fd, 1, static_cast<int>(left)) : 0;
    if (ready == 0) fail(ETIMEDOUT);
    if (ready < 0) fail(errno);
  }

  std::string server_;
  std::chrono::milliseconds patience_;
  Clock::time_point deadline_;
  base::Fd fd_;
};

std::optional<dns::Message> replyOf(std::string_view packet, uint16_t id) {
  auto message = dns::readMessage(packet);
  if (!message || !message->response || message->id != id) return std::nullopt;
  return message;
}

dns::Message askByUdp(const std::string& server, const std::string& query, uint16_t id,
                      std::chrono::milliseconds patience) {
  Conversation udp(server, SOCK_DGRAM, patience);
  udp.send(query);
  while (true) {  // until the deadline: somebody else's datagrams are none
    if (auto message = replyOf(udp.receive(kMaxMessage), id)) return *message;
  }
}

// RFC 7766: each message comes behind its size.
dns::Message askByTcp(const std::string& server, const std::string& query, uint16_t id,
                      std::chrono::milliseconds patience) {
  Conversation tcp(server, SOCK_STREAM, patience);
  std::string framed = {static_cast<char>(query.size() >> 8), static_cast<char>(query.size())};
  tcp.send(framed + query);
  std::string size = tcp.receiveWhole(2);
  auto bytes = static_cast<size_t>(static_cast<unsigned char>(size[0]) << 8 | static_cast<unsigned char>(size[1]));
  auto message = replyOf(tcp.receiveWhole(bytes), id);
  if (!message) throw std::runtime_error(fmt::format("{} answers something else than was asked", server));
  return *message;
}

}  // namespace

DnsReply askDns(const std::string& server, const dns::Name& name, dns::Type type, std::chrono::milliseconds patience) {
  auto id = static_cast<uint16_t>(base::randomBelow(1 << 16));
  std::string query = dns::writeQuery(id, name, type, dns::kMaxUdpSize);
  try {
    dns::Message message = askByUdp(server, query, id, patience);
    return message.truncated ? askByTcp(server, query, id, patience) : message;
  } catch (const std::runtime_error& error) {
    return std::string(error.what());
  }
}

}  // namespace wherry::main
