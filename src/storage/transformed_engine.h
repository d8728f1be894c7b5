// An engine whose rows are other bytes on the disk than in memory: encryption at rest. Everything above it, watchers
// included, sees plain bytes.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "storage/engine.h"

namespace wherry::storage {

// Both take the row's key and its bytes. Called from the thread that calls the engine.
struct ValueTransformer {
  // What the disk gets.
  std::function<std::string(std::string_view key, std::string_view bytes)> toDisk;
  // What memory gets; nothing when it can't be read. Then memory has the disk's bytes, and they stay on the disk as
  // they are until somebody writes the row anew.
  std::function<std::optional<std::string>(std::string_view key, std::string_view bytes)> fromDisk;
  // Whether bytes in memory are those of a row that could not be read.
  std::function<bool(std::string_view bytes)> isUnread;
};

std::unique_ptr<Engine> transformEngine(std::unique_ptr<Engine> engine, ValueTransformer transformer);

}  // namespace wherry::storage
