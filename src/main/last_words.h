// Why the last server of a run directory did not start or ended: RUN-DIR/last-error, for `wherry status` to tell.
#pragma once

#include <functional>
#include <string>

namespace wherry::main {

class LastWords {
 public:
  // A new beginning: what an earlier server left is removed.
  explicit LastWords(const std::string& runDir);
  // Runs the server; what it throws is written down and thrown on.
  int record(const std::function<int()>& serve) const;

 private:
  std::string file_;
};

}  // namespace wherry::main
