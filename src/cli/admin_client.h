// The running server's admin socket (RUN-DIR/admin.sock), as the commands use it. Not thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <system_error>

#include "json/value.h"

namespace wherry::cli {

class AdminClient {
 public:
  explicit AdminClient(std::string runDir);

  // The answer's JSON. Throws std::runtime_error: no server runs here, or its own words for what went wrong.
  json::Value get(const std::string& path, std::chrono::milliseconds timeout = std::chrono::seconds(30)) const;
  json::Value post(const std::string& path, std::chrono::milliseconds timeout) const;
  json::Value remove(const std::string& path) const;
  // For an answer of one JSON object a line: calls `onLine` for each as it comes.
  void postLines(const std::string& path, const std::function<void(const json::Value&)>& onLine) const;

  // Waits until a server listens on it; false when none does by then.
  bool waitForSocket(std::chrono::steady_clock::time_point deadline) const;

 private:
  std::string describeSilence(const std::error_code& error) const;
  json::Value call(const std::string& method, const std::string& path, std::chrono::milliseconds timeout) const;

  std::string runDir_;
};

// Why the last server of that run directory ended, in its own words; empty when it runs or ended as it should.
std::string lastError(const std::string& runDir);

}  // namespace wherry::cli
