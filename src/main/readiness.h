// Which parts of the server are up. Parts are named before they start and marked as they come up; whoever waits is
// woken then. Safe from any thread.
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

  void set(const std::string& name, bool ready, std::string state);
  void setReady(const std::string& name) { set(name, true, "ready"); }
  // All parts that were ever named are ready, and there is one at least.
  bool ready() const;
  bool waitReady(std::chrono::milliseconds atMost) const;
  json::Array toJson() const;

 private:
  base::Guarded<std::vector<Part>> parts_;
  base::Published<std::vector<Part>> published_;
};

}  // namespace wherry::main
