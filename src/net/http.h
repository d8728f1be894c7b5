// HTTP as the product's servers and clients see it, whatever version is on the wire. Plain values.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wherry::net {

// Header fields in order; names compare without case.
class Headers {
 public:
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  void set(std::string name, std::string value);
  std::string_view get(std::string_view name) const;  // the first one; "" when missing
  bool has(std::string_view name) const;
  void remove(std::string_view name);
  void reserve(size_t count) { fields_.reserve(count); }
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

// Who is at the other end of a TLS connection. One per connection, shared by its requests.
struct Peer {
  std::string address;  // "192.0.2.1"
  uint16_t port = 0;
  // The verified client certificate (signed by the server's clientCa): subject CN and Os; empty without one.
  std::string commonName;
  std::vector<std::string> organizations;
};

struct Request {
  std::string method;
  std::string path;   // percent-encoded, as sent, without query
  std::string query;  // without '?', percent-encoded
  Headers headers;
  std::string body;
  std::shared_ptr<const Peer> peer;
};

// A body that may be shared by many answers (stored objects are): pieces are sent one after the other.
using Bytes = std::shared_ptr<const std::string>;

struct Response {
  int status = 200;
  Headers headers;  // Content-Length, Date and the connection's own fields are added by the server
  std::vector<Bytes> body;

  static Response text(int status, std::string contentType, std::string body);
};

}  // namespace wherry::net
