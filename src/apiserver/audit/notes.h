// What the steps of a request say about it for the audit log: annotations, by key. Safe from any thread.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/guarded.h"

namespace wherry::apiserver {

class AuditNotes {
 public:
  // The first word on a key counts, as upstream has it.
  void add(std::string key, std::string value) {
    notes_.with([&](auto& notes) { notes.try_emplace(std::move(key), std::move(value)); });
  }
  std::map<std::string, std::string> all() const { return notes_.copy(); }

 private:
  base::Guarded<std::map<std::string, std::string>> notes_;
};
using AuditNotesPtr = std::shared_ptr<AuditNotes>;

}  // namespace wherry::apiserver
