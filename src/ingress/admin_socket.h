// HAProxy's runtime API: its admin socket. Not thread-safe.
//
// HAProxy's management guide, "Unix Socket commands".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wherry::ingress {

class AdminSocket {
 public:
  explicit AdminSocket(std::string path) : path_(std::move(path)) {}

  // One command's answer; it may have a payload ("<<\n...\n"). Throws std::system_error.
  std::string ask(std::string_view command) const;
  // Many that have no payload, in their order. Throws std::system_error, and std::runtime_error with HAProxy's words
  // when it knows nothing of what one of them is about.
  void run(const std::vector<std::string>& commands) const;

 private:
  std::string path_;
};

// What HAProxy says of a command that it did not carry out; "" when there is none in its answers. Pure.
std::string findRefusal(std::string_view answers);

}  // namespace wherry::ingress
