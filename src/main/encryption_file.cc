#include "main/encryption_file.h"

#include <filesystem>
#include <stdexcept>

#include <fmt/format.h>

#include "base/fd.h"
#include "base/log.h"

namespace wherry::main {

namespace {

const base::Log kLog("server");

}  // namespace

apiserver::EncryptionConfiguration readEncryptionFile(const std::string& path) {
  if (path.empty()) return {};
  try {
    auto configuration = apiserver::parseEncryptionConfiguration(base::readFile(path));
    using std::filesystem::perms;
    if ((std::filesystem::status(path).permissions() & (perms::group_all | perms::others_all)) != perms::none) {
      kLog.warn("{} holds keys and others than its owner may read or write it: chmod 600 {}", path, path);
    }
    return configuration;
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(fmt::format("--encryption-config {}: {}", path, error.what()));
  }
}

}  // namespace wherry::main
