#include "ingress/routing.h"

#include <iterator>
#include <utility>

namespace wherry::ingress {
namespace {

template <typename T>
void append(std::vector<T>& to, std::vector<T>&& more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

std::vector<uint16_t> merge(Model& model, Model other) {
  std::vector<uint16_t> refused;
  for (auto& [number, port] : other.ports) {
    auto [at, isNew] = model.ports.try_emplace(number, Port{.number = number, .tls = port.tls});
    if (!isNew && at->second.tls != port.tls) {
      refused.push_back(number);
      continue;
    }
    append(at->second.routes, std::move(port.routes));
    append(at->second.certificates, std::move(port.certificates));
    append(at->second.passthroughs, std::move(port.passthroughs));
  }
  return refused;
}

}  // namespace wherry::ingress
