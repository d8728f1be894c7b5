// Patience: says on stderr every two seconds what a command is still waiting for, so that nobody sits before silence.
//
//   Patience patience("importing nginx.tar");
//   admin.post(...);
#pragma once

#include <string>
#include <thread>

namespace wherry::cli {

class Patience {
 public:
  explicit Patience(std::string what);
  ~Patience();  // says nothing more
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;

 private:
  std::jthread thread_;
};

}  // namespace wherry::cli
