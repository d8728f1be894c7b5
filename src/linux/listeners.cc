#include "linux/listeners.h"

#include <array>
#include <charconv>
#include <filesystem>

#include <fmt/format.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strings.h"

namespace wherry::linux {
namespace {

constexpr std::string_view kTcpListen = "0A";     // TCP_LISTEN
constexpr std::string_view kTcpHandshake = "03";  // TCP_SYN_RECV
constexpr std::string_view kUnconnected = "07";

// The fields of a line, which any number of spaces separates.
std::vector<std::string_view> fieldsOf(std::string_view line) {
  std::vector<std::string_view> fields;
  for (std::string_view field : base::split(line, ' ')) {
    if (!field.empty()) fields.push_back(field);
  }
  return fields;
}

// "0100007F:0035" -> 53
uint16_t portOf(std::string_view address) {
  std::string_view hex = address.substr(address.rfind(':') + 1);
  uint16_t port = 0;
  std::from_chars(hex.data(), hex.data() + hex.size(), port, 16);
  return port;
}

std::string programOf(uint64_t inode) {
  const std::string wanted = fmt::format("socket:[{}]", inode);
  std::error_code ignored;
  for (const auto& process : std::filesystem::directory_iterator("/proc", ignored)) {
    auto pid = base::parseInt<int>(process.path().filename().string());
    if (!pid) continue;
    std::error_code gone;
    for (const auto& fd : std::filesystem::directory_iterator(process.path() / "fd", gone)) {
      std::error_code closed;
      if (std::filesystem::read_symlink(fd.path(), closed) != wanted) continue;
      auto name = base::readFileIfExists(process.path() / "comm").value_or("?");
      return fmt::format("{} (process {})", base::trim(name), *pid);
    }
  }
  return {};
}

}  // namespace

std::vector<Listener> parseSocketTable(std::string_view text, Transport transport) {
  std::vector<Listener> listeners;
  const std::string_view state = transport == Transport::kTcp ? kTcpListen : kUnconnected;
  for (std::string_view line : base::split(text, '\n')) {
    // sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode ...
    auto fields = fieldsOf(line);
    if (fields.size() < 10 || fields[3] != state) continue;
    listeners.push_back({transport, portOf(fields[1]), base::parseInt<uint64_t>(fields[9]).value_or(0)});
  }
  return listeners;
}

bool anyUnaccepted(std::string_view text) {
  for (std::string_view line : base::split(text, '\n')) {
    auto fields = fieldsOf(line);
    if (fields.size() < 10) continue;
    bool waits = fields[3] == kTcpListen && !fields[4].ends_with(":00000000");  // the length of the queue
    if (waits || fields[3] == kTcpHandshake) return true;
  }
  return false;
}

bool anyUnaccepted() {
  return anyUnaccepted(base::readFileIfExists("/proc/thread-self/net/tcp").value_or("")) ||
         anyUnaccepted(base::readFileIfExists("/proc/thread-self/net/tcp6").value_or(""));
}

std::string findHolder(Transport transport, uint16_t port) {
  using Files = std::array<const char*, 2>;
  const Files files = transport == Transport::kTcp ? Files{"/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"}
                                                   : Files{"/proc/thread-self/net/udp", "/proc/thread-self/net/udp6"};
  for (const char* file : files) {
    for (const Listener& listener : parseSocketTable(base::readFileIfExists(file).value_or(""), transport)) {
      if (listener.port != port) continue;
      if (std::string program = programOf(listener.inode); !program.empty()) return program;
    }
  }
  return {};
}

}  // namespace wherry::linux
