#include "kubelet/pods/expansion.h"

namespace wherry::kubelet {

std::string expandVariables(std::string_view text,
                            const std::function<std::optional<std::string>(std::string_view)>& find) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    std::string_view rest = text.substr(i);
    if (rest.starts_with("$$")) {
      out += '$';
      ++i;
      continue;
    }
    size_t end = rest.starts_with("$(") ? rest.find(')') : std::string_view::npos;
    if (end == std::string_view::npos) {
      out += text[i];
      continue;
    }
    std::string_view reference = rest.substr(0, end + 1);
    out += find(reference.substr(2, reference.size() - 3)).value_or(std::string(reference));
    i += end;
  }
  return out;
}

}  // namespace wherry::kubelet
