// A text of configuration as it grows, line by line. Not thread-safe.
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "ingress/routing.h"

namespace wherry::ingress {

class ConfigText {
 public:
  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }
  // What follows is there because of this object: originOf() finds it again.
  void about(const Origin& origin) { line("# {} {}/{}", origin.kind, origin.nameSpace, origin.name); }
  void append(const ConfigText& other) { text_ += other.text_; }
  // An empty text for what may not come to an end: its ACLs have names that this one has not. Then take() it, or not.
  ConfigText draft() const {
    ConfigText draft;
    draft.acls_ = acls_;
    return draft;
  }
  void take(const ConfigText& draft) {
    append(draft);
    acls_ = draft.acls_;
  }
  const std::string& text() const { return text_; }

  // A name that no other has: "a1", "a2", ...
  std::string nextAcl() { return fmt::format("a{}", ++acls_); }

 private:
  std::string text_;
  int acls_ = 0;
};

// The object that line `number` (from 1) of a configuration is about; all empty when it is about none.
Origin originOf(std::string_view configuration, int number);

}  // namespace wherry::ingress
