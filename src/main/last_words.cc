#include "main/last_words.h"

#include <exception>

#include <unistd.h>

#include "base/fd.h"

namespace wherry::main {

LastWords::LastWords(const std::string& runDir) : file_(runDir + "/last-error") { ::unlink(file_.c_str()); }

int LastWords::record(const std::function<int()>& serve) const {
  try {
    return serve();
  } catch (const std::exception& error) {
    try {
      base::writeFileAtomic(file_, std::string(error.what()) + "\n", 0600);
    } catch (const std::exception&) {  // the reason itself counts
    }
    throw;
  }
}

}  // namespace wherry::main
