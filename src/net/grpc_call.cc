#include "net/grpc_call.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <system_error>

#include <fmt/format.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/strings.h"
#include "net/client_connection.h"

namespace wherry::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr size_t kMaxMessage = 64 << 10;
constexpr size_t kPrefix = 5;
constexpr int kUnknown = 2, kUnimplemented = 12, kUnavailable = 14;

// In the order of their numbers.
constexpr std::array<std::string_view, 17> kCodes = {
    "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated"};

struct SessionDeleter {
  void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
};

// The client's end of one HTTP/2 connection with one stream.
class Call {
 public:
  Call(const GrpcRequest& request, base::Fd socket, steady_clock::time_point deadline)
      : request_(request),
        socket_(std::move(socket)),
        deadline_(deadline),
        wait_(request.stop),
        body_(frameGrpcMessage(request.message)) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, onHeader);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, onData);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, onClose);
    nghttp2_session* session = nullptr;
    nghttp2_session_client_new(&session, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    session_.reset(session);
  }

  GrpcAnswer run() {
    submit();
    while (!ended_ && exchange()) {
    }
    return answer();
  }

 private:
  void submit() {
    std::string authority = fmt::format("{}:{}", request_.server.host, request_.server.port);
    std::array<std::pair<std::string_view, std::string_view>, 7> fields = {{{":method", "POST"},
                                                                            {":scheme", "http"},
                                                                            {":path", request_.path},
                                                                            {":authority", authority},
                                                                            {"content-type", "application/grpc"},
                                                                            {"te", "trailers"},
                                                                            {"user-agent", request_.userAgent}}};
    std::array<nghttp2_nv, 7> entries;
    auto bytes = [](std::string_view text) { return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data())); };
    std::transform(fields.begin(), fields.end(), entries.begin(), [&](const auto& field) {
      return nghttp2_nv{bytes(field.first), bytes(field.second), field.first.size(), field.second.size(),
                        NGHTTP2_NV_FLAG_NONE};
    });
    nghttp2_data_provider body{};
    body.source.ptr = this;
    body.read_callback = readBody;
    nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, nullptr, 0);
    nghttp2_submit_request(session_.get(), nullptr, entries.data(), entries.size(), &body, nullptr);
  }

  // Sends what is to be sent, then takes what has come; false when no more will come.
  bool exchange() {
    if (!send()) return false;
    if (!wait(POLLIN)) return false;
    char buffer[8192];
    ssize_t count = ::recv(socket_.get(), buffer, sizeof buffer, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (count <= 0) return false;
    return nghttp2_session_mem_recv(session_.get(), reinterpret_cast<uint8_t*>(buffer), static_cast<size_t>(count)) >=
           0;
  }

  bool send() {
    const uint8_t* data = nullptr;
    for (ssize_t size; (size = nghttp2_session_mem_send(session_.get(), &data)) != 0;) {
      if (size < 0) return false;
      for (ssize_t sent = 0; sent < size;) {
        ssize_t count = ::send(socket_.get(), data + sent, static_cast<size_t>(size - sent), MSG_NOSIGNAL);
        if (count > 0) sent += count;
        if (count < 0 && errno != EAGAIN && errno != EINTR) return false;
        if (count < 0 && errno == EAGAIN && !wait(POLLOUT)) return false;
      }
    }
    return true;
  }

  bool wait(short events) {
    auto left = std::chrono::ceil<milliseconds>(deadline_ - steady_clock::now());
    try {
      timedOut_ = left.count() <= 0;
      if (!timedOut_) wait_.until(socket_.get(), events, left, "grpc");
    } catch (const Wait::Stopped&) {
      timedOut_ = true;
    } catch (const std::system_error& error) {
      timedOut_ = error.code().value() == ETIMEDOUT;
      return false;
    }
    return !timedOut_;
  }

  GrpcAnswer answer() const {
    GrpcAnswer out{.outcome = GrpcAnswer::Outcome::kAnswered, .status = status_, .text = text_};
    if (timedOut_) out.outcome = GrpcAnswer::Outcome::kTimedOut;
    if (status_ == 0) {
      auto message = parseGrpcMessage(received_);
      if (message) out.message = *message;
    }
    if (status_ >= 0) return out;
    // What HTTP's own answers mean: PROTOCOL-HTTP2 and http-grpc-status-mapping.
    out.status = httpStatus_ == 404 ? kUnimplemented : httpStatus_ != 0 && httpStatus_ != 200 ? kUnknown : kUnavailable;
    out.text = httpStatus_ != 0 && httpStatus_ != 200
                   ? fmt::format("unexpected HTTP status code received from server: {}", httpStatus_)
                   : "connection closed before an answer came";
    return out;
  }

  static int onHeader(nghttp2_session*, const nghttp2_frame*, const uint8_t* name, size_t nameSize,
                      const uint8_t* value, size_t valueSize, uint8_t, void* user) {
    auto& self = *static_cast<Call*>(user);
    std::string_view key(reinterpret_cast<const char*>(name), nameSize);
    std::string_view text(reinterpret_cast<const char*>(value), valueSize);
    if (key == ":status") self.httpStatus_ = base::parseInt<int>(text).value_or(0);
    if (key == "grpc-status") self.status_ = base::parseInt<int>(text).value_or(kUnknown);
    if (key == "grpc-message") self.text_ = decodeGrpcText(text);
    return 0;
  }

  static int onData(nghttp2_session*, uint8_t, int32_t, const uint8_t* data, size_t size, void* user) {
    auto& self = *static_cast<Call*>(user);
    if (self.received_.size() + size > kMaxMessage) return NGHTTP2_ERR_CALLBACK_FAILURE;
    self.received_.append(reinterpret_cast<const char*>(data), size);
    return 0;
  }

  static int onClose(nghttp2_session*, int32_t, uint32_t, void* user) {
    static_cast<Call*>(user)->ended_ = true;
    return 0;
  }

  static ssize_t readBody(nghttp2_session*, int32_t, uint8_t* buffer, size_t size, uint32_t* flags,
                          nghttp2_data_source* source, void*) {
    auto& self = *static_cast<Call*>(source->ptr);
    size_t count = std::min(size, self.body_.size() - self.sent_);
    std::copy_n(self.body_.data() + self.sent_, count, buffer);
    self.sent_ += count;
    if (self.sent_ == self.body_.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(count);
  }

  const GrpcRequest& request_;
  base::Fd socket_;
  steady_clock::time_point deadline_;
  const Wait wait_;
  std::string body_;
  size_t sent_ = 0;
  std::unique_ptr<nghttp2_session, SessionDeleter> session_;
  int httpStatus_ = 0;
  int status_ = -1;  // none has come
  std::string text_;
  std::string received_;
  bool ended_ = false;
  bool timedOut_ = false;
};

}  // namespace

GrpcAnswer callGrpc(const GrpcRequest& request) {
  auto deadline = steady_clock::now() + request.timeout;
  base::Fd socket;
  try {
    socket = beginConnect(request.server);
    Wait(request.stop).until(socket.get(), POLLOUT, request.timeout, "connect");
    if (int error = connectError(socket.get())) throw std::system_error(error, std::generic_category());
  } catch (const Wait::Stopped&) {
    return {.outcome = GrpcAnswer::Outcome::kTimedOut, .text = "stopped"};
  } catch (const std::system_error& error) {
    return {.outcome = GrpcAnswer::Outcome::kNotConnected, .text = error.code().message()};
  }
  return Call(request, std::move(socket), deadline).run();
}

GrpcAnswer callGrpcOver(base::Fd socket, const GrpcRequest& request) {
  return Call(request, std::move(socket), steady_clock::now() + request.timeout).run();
}

std::string frameGrpcMessage(std::string_view message) {
  auto size = static_cast<uint32_t>(message.size());
  std::string out(1, '\0');  // not compressed
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(size >> shift & 0xff);
  return out.append(message);
}

std::optional<std::string_view> parseGrpcMessage(std::string_view body) {
  if (body.size() < kPrefix || body[0] != '\0') return std::nullopt;
  uint32_t size = 0;
  for (size_t i = 1; i < kPrefix; ++i) size = size << 8 | static_cast<uint8_t>(body[i]);
  if (body.size() - kPrefix < size) return std::nullopt;
  return body.substr(kPrefix, size);
}

std::string decodeGrpcText(std::string_view encoded) {
  std::string out;
  for (size_t i = 0; i < encoded.size(); ++i) {
    auto digit = [&](size_t at) {
      auto value = std::string_view("0123456789ABCDEF").find(static_cast<char>(std::toupper(encoded[at])));
      return value == std::string_view::npos ? -1 : static_cast<int>(value);
    };
    bool escape = encoded[i] == '%' && i + 2 < encoded.size() && digit(i + 1) >= 0 && digit(i + 2) >= 0;
    out += escape ? static_cast<char>(digit(i + 1) * 16 + digit(i + 2)) : encoded[i];
    if (escape) i += 2;
  }
  return out;
}

std::string_view grpcCodeName(int status) {
  bool known = status >= 0 && static_cast<size_t>(status) < kCodes.size();
  return known ? kCodes[static_cast<size_t>(status)] : "Unknown";
}

}  // namespace wherry::net
