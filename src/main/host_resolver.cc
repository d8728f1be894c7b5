#include "main/host_resolver.h"

#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/subprocess.h"

namespace wherry::main {
namespace {

namespace fs = std::filesystem;

const base::Log kLog("resolver");
constexpr const char* kResolvConf = "/etc/resolv.conf";
constexpr const char* kDropIn = "/etc/systemd/resolved.conf.d/wherry.conf";
constexpr std::string_view kBegin = "# begin of what wherry server --resolve-on-host put here\n";
constexpr std::string_view kEnd = "# end of what wherry server --resolve-on-host put here\n";

bool isResolveds() {
  std::error_code error;
  return fs::canonical(kResolvConf, error).string().starts_with("/run/systemd/resolve/");
}

// A file that is mounted can't be replaced, only written.
void writeInPlace(const std::string& path, std::string_view content) {
  base::Fd fd(::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
  if (!fd) base::throwErrno("open " + path);
  base::writeAll(fd.get(), content, path);
}

void replaceFile(const std::string& path, std::string_view content) {
  mode_t mode = static_cast<mode_t>(fs::status(path).permissions()) & 0777;
  try {
    base::writeFileAtomic(path, content, mode, base::Durability::kSynced);
  } catch (const std::system_error& error) {
    if (error.code().value() != EBUSY) throw;
    writeInPlace(path, content);
  }
}

void changeResolvConf(const std::string& content, const std::string& before) {
  if (content == before) return;
  std::error_code error;
  fs::path file = fs::canonical(kResolvConf, error);  // a link stays one
  replaceFile(error ? kResolvConf : file.string(), content);
}

void tellResolved() {
  if (!base::findProgram("systemctl")) return;
  auto done = base::run({.argv = {"systemctl", "try-reload-or-restart", "systemd-resolved.service"}});
  if (!done.ok()) kLog.warn("systemd-resolved did not read its configuration again: {}", done.err);
}

}  // namespace

std::string withoutClusterDns(std::string_view text) {
  size_t begin = text.find(kBegin);
  size_t end = begin == text.npos ? text.npos : text.find(kEnd, begin);
  if (end == text.npos) return std::string(text);
  return std::string(text.substr(0, begin)).append(text.substr(end + kEnd.size()));
}

std::string withClusterDns(std::string_view text, const std::string& address) {
  return fmt::format("{}nameserver {}\n{}{}", kBegin, address, kEnd, withoutClusterDns(text));
}

std::string renderResolvedDropIn(const std::string& address, const std::string& domain) {
  return fmt::format("# by wherry server --resolve-on-host\n[Resolve]\nDNS={}\nDomains=~{}\n", address, domain);
}

void resolveOnHost(const std::string& address, const std::string& domain) {
  if (isResolveds()) {
    base::makeDirectories(fs::path(kDropIn).parent_path());
    base::writeFileAtomic(kDropIn, renderResolvedDropIn(address, domain));
    return tellResolved();
  }
  std::string before = base::readFileIfExists(kResolvConf).value_or("");
  changeResolvConf(withClusterDns(before, address), before);
}

void stopResolvingOnHost() {
  if (::unlink(kDropIn) == 0) tellResolved();
  auto before = base::readFileIfExists(kResolvConf);
  if (before) changeResolvConf(withoutClusterDns(*before), *before);
}

}  // namespace wherry::main
