// Which namespace a pod's address belongs to: whose search path a client has. Safe from any thread; looked up only for
// names that don't exist.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/guarded.h"
#include "base/strings.h"
#include "meta/object.h"

namespace wherry::clusterdns {

class PodNamespaces {
 public:
  // As an informer tells it; null: not there before, or any more.
  void podChanged(const meta::ObjectPtr& before, const meta::ObjectPtr& after);
  // `address`: 4 or 16 bytes. Nothing when it is no pod's: a host's network is nobody's alone.
  std::optional<std::string> find(std::string_view address) const;

 private:
  static constexpr size_t kShards = 64;
  struct Pod {
    std::string ns, name;
    bool operator==(const Pod&) const = default;
  };
  using ByAddress = std::unordered_map<std::string, Pod, base::StringHash, std::equal_to<>>;
  const auto& shardOf(std::string_view address) const { return shards_[base::StringHash{}(address) % kShards]; }
  auto& shardOf(std::string_view address) { return shards_[base::StringHash{}(address) % kShards]; }

  std::array<base::SharedGuarded<ByAddress>, kShards> shards_;
};

}  // namespace wherry::clusterdns
