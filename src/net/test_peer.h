// For tests: clients that speak raw bytes, SPDY and WebSocket, each waiting at most 10 seconds for what it expects.
#pragma once

#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <poll.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "net/client_connection.h"
#include "net/socket.h"
#include "net/spdy_fields.h"
#include "net/spdy_frame.h"

namespace wherry::net {

class TestPeer {
 public:
  explicit TestPeer(uint16_t port) : socket_(beginConnect({"127.0.0.1", port, ""})) {
    wait_.until(socket_.get(), POLLOUT, kPatience, "connect");
  }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      wait_.until(socket_.get(), POLLOUT, kPatience, "send");
      ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count < 0) throw std::runtime_error("send");
      bytes.remove_prefix(static_cast<size_t>(count));
    }
  }
  // What has come and was not taken; more of it when there was none. Empty once the server has closed.
  std::string receive() {
    if (!buffer_.empty()) return std::exchange(buffer_, {});
    wait_.until(socket_.get(), POLLIN, kPatience, "an answer");
    char bytes[16384];
    ssize_t count = ::recv(socket_.get(), bytes, sizeof bytes, 0);
    return count > 0 ? std::string(bytes, static_cast<size_t>(count)) : "";
  }
  // Up to and with `end`; what there is when the server closes before.
  std::string readUntil(std::string_view end) {
    std::string text;
    while (text.find(end) == std::string::npos) {
      std::string more = receive();
      if (more.empty()) return text;
      text += more;
    }
    size_t size = text.find(end) + end.size();
    buffer_ = text.substr(size);
    return text.substr(0, size);
  }
  std::string read(size_t size) {
    std::string text;
    while (text.size() < size) {
      std::string more = receive();
      if (more.empty()) throw std::runtime_error("closed");
      text += more;
    }
    buffer_ = text.substr(size);
    return text.substr(0, size);
  }
  std::string readAll() {
    std::string text;
    for (std::string more = receive(); !more.empty(); more = receive()) text += more;
    return text;
  }
  void shutDown() { ::shutdown(socket_.get(), SHUT_WR); }
  void close() { socket_.reset(); }

  // Asks for an upgrade; the head of the answer.
  std::string upgrade(const std::string& requestLine, const std::string& fields) {
    send(requestLine + " HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\n" + fields + "\r\n");
    return readUntil("\r\n\r\n");
  }

 private:
  static constexpr std::chrono::seconds kPatience{10};

  base::Fd socket_;
  Wait wait_{std::stop_token()};
  std::string buffer_;
};

class TestSpdy {
 public:
  explicit TestSpdy(TestPeer& peer) : peer_(peer) {}

  uint32_t open(const std::vector<std::pair<std::string, std::string>>& fields, bool fin = false) {
    Headers headers;
    for (const auto& [name, value] : fields) headers.add(name, value);
    uint32_t id = next_;
    next_ += 2;
    std::string payload = bytes(id) + bytes(0) + std::string(2, '\0') + writer_.write(headers);
    peer_.send(control(1, fin ? 1 : 0, payload));
    return id;
  }
  void data(uint32_t stream, std::string_view text, bool fin = false) { peer_.send(spdyData(stream, text, fin)); }
  void control(const std::string& frame) { peer_.send(frame); }

  // Reads on until `enough`; false when the server closed before.
  template <typename Enough>
  bool until(Enough enough) {
    while (!enough()) {
      std::string input = peer_.receive();
      if (input.empty()) return false;
      take(input);
    }
    return true;
  }
  // All that the server sends on a stream, to its end.
  std::string readStream(uint32_t stream) {
    until([&] { return finished.contains(stream) || reset.contains(stream); });
    return received[stream];
  }

  static std::string bytes(uint32_t value) {
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8) text.push_back(static_cast<char>(value >> shift & 0xff));
    return text;
  }
  static std::string control(uint16_t type, uint8_t flags, const std::string& payload) {
    return bytes(0x80030000U | type) +
           bytes(static_cast<uint32_t>(flags) << 24 | static_cast<uint32_t>(payload.size())) + payload;
  }

  std::set<uint32_t> replied, finished;
  std::map<uint32_t, uint32_t> reset;  // and why
  std::map<uint32_t, std::string> received;
  std::map<uint32_t, uint64_t> widened;  // windows
  std::set<uint32_t> pings;
  bool goodbye = false;

 private:
  void take(std::string_view input) {
    while (auto frame = decoder_.next(input)) {
      if (auto* piece = std::get_if<SpdyData>(&*frame)) {
        received[piece->stream] += piece->data;
        if (piece->finished) finished.insert(piece->stream);
      } else if (auto* fields = std::get_if<SpdyFieldsFrame>(&*frame)) {
        if (!reader_.read(fields->block)) throw std::runtime_error("fields");
        replied.insert(fields->stream);
      } else if (auto* rst = std::get_if<SpdyRstStream>(&*frame)) {
        reset[rst->stream] = rst->status;
      } else if (auto* update = std::get_if<SpdyWindowUpdate>(&*frame)) {
        widened[update->stream] += update->delta;
      } else if (auto* ping = std::get_if<SpdyPing>(&*frame)) {
        pings.insert(ping->id);
      } else if (std::holds_alternative<SpdyGoAway>(*frame)) {
        goodbye = true;
      }
    }
    if (!decoder_.failure().empty()) throw std::runtime_error(std::string(decoder_.failure()));
  }

  TestPeer& peer_;
  uint32_t next_ = 1;
  SpdyFieldWriter writer_;
  SpdyFieldReader reader_;
  SpdyDecoder decoder_;
};

class TestWebSocket {
 public:
  explicit TestWebSocket(TestPeer& peer) : peer_(peer) {}

  static std::string fields(const std::string& protocols) {
    std::string text =
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    return protocols.empty() ? text : text + "Sec-WebSocket-Protocol: " + protocols + "\r\n";
  }
  static std::string frame(int opcode, std::string_view payload, bool final = true) {
    std::string bytes(1, static_cast<char>((final ? 0x80 : 0) | opcode));
    if (payload.size() < 126) {
      bytes += static_cast<char>(0x80 | payload.size());
    } else {
      bytes += static_cast<char>(0x80 | 127);
      for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(uint64_t{payload.size()} >> shift & 0xff);
    }
    const std::string mask = "\x12\x34\x56\x78";
    bytes += mask;
    for (size_t i = 0; i < payload.size(); ++i) bytes += static_cast<char>(payload[i] ^ mask[i % 4]);
    return bytes;
  }
  void send(int opcode, std::string_view payload) { peer_.send(frame(opcode, payload)); }
  // Opcode and payload of the next frame; opcode -1 once the server has closed.
  std::pair<int, std::string> next() {
    try {
      std::string head = peer_.read(2);
      size_t size = static_cast<uint8_t>(head[1]);
      if (size > 125) {
        size_t count = size == 126 ? 2 : 8;
        size = 0;
        for (char c : peer_.read(count)) size = size << 8 | static_cast<uint8_t>(c);
      }
      return {head[0] & 0xf, size == 0 ? "" : peer_.read(size)};
    } catch (const std::runtime_error&) {
      return {-1, ""};
    }
  }
  // All that comes on a channel until the close frame, and the others' by their numbers.
  std::map<int, std::string> readChannels() {
    std::map<int, std::string> channels;
    for (auto [opcode, payload] = next(); opcode == 1 || opcode == 2; std::tie(opcode, payload) = next()) {
      channels[static_cast<uint8_t>(payload[0])] += payload.substr(1);
    }
    return channels;
  }

 private:
  TestPeer& peer_;
};

}  // namespace wherry::net
