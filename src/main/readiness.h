// Which parts of the server are up. Parts are named before they start and marked as they come up; whoever waits is
// woken then. What becomes ready is logged with the time it took. Safe from any thread.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "base/published.h"
#include "json/value.h"

namespace wherry::main {

class Readiness {
 public:
  struct Part {
    std::string name;
    std::string state;  // "ready", or what it waits for
    bool ready = false;
  };
  struct Snapshot {
    std::vector<Part> parts;
    int64_t change = 0;  // counts up with every change

    // All parts that were ever named are ready, and there is one at least.
    bool ready() const;
  };

  void set(const std::string& name, bool ready, std::string state);
  void setReady(const std::string& name) { set(name, true, "ready"); }

  std::shared_ptr<const Snapshot> snapshot() const { return published_.load(); }
  bool ready() const { return snapshot()->ready(); }
  bool waitReady(std::chrono::milliseconds atMost) const;
  // Until there is another state than that of change `seen`.
  void waitChange(int64_t seen, std::chrono::milliseconds atMost) const;

  // The time since this was made: since the start.
  std::chrono::milliseconds elapsed() const;

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  base::Guarded<Snapshot> current_;
  base::Published<Snapshot> published_;
};

json::Array toJson(const std::vector<Readiness::Part>& parts);

}  // namespace wherry::main
