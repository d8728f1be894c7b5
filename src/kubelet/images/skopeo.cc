#include "kubelet/images/skopeo.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"
#include "base/subprocess.h"

namespace wherry::kubelet {
namespace {

constexpr std::chrono::minutes kCopyTimeout{30};
constexpr size_t kMaxManifest = 4 << 20;

[[noreturn]] void throwSkopeo(const base::Finished& finished) {
  std::string why = finished.timedOut ? "the registry did not answer in time" : parseSkopeoError(finished.err);
  SkopeoError error(why);
  error.unreachable = finished.timedOut || isUnreachable(why);
  throw error;
}

base::Finished runOrExplain(const base::Command& command) {
  try {
    return base::run(command);
  } catch (const std::system_error& error) {
    throw SkopeoError(fmt::format("skopeo can't be run ({}): install the package skopeo", error.code().message()));
  }
}

// The flags are the same for each command but for what they begin with.
void addAccess(base::Command& command, const SkopeoAccess& access, const std::string& prefix) {
  if (!access.authFile.empty()) {
    command.argv.insert(command.argv.end(), {prefix + "authfile", access.authFile});
  }
  if (!access.certDir.empty()) command.argv.insert(command.argv.end(), {prefix + "cert-dir", access.certDir});
  if (access.insecure) command.argv.push_back(prefix + "tls-verify=false");
}

}  // namespace

// setpriv(1): when this process is killed a pull ends with it.
void runSkopeoCopy(const SkopeoCopy& copy) {
  base::Command command{.argv = {"setpriv", "--pdeathsig", "KILL", "skopeo", "--insecure-policy", "--tmpdir",
                                 copy.temporary, "copy", "--quiet", "--dest-shared-blob-dir", copy.blobs},
                        .environment = {"HOME=/root"},
                        .timeout = kCopyTimeout,
                        .stop = copy.stop};
  addAccess(command, copy.access, "--src-");
  command.argv.insert(command.argv.end(), {copy.source, "oci:" + copy.layout + ":image"});
  auto finished = runOrExplain(command);
  if (!finished.ok()) throwSkopeo(finished);
}

std::string skopeoManifest(const std::string& name, const SkopeoAccess& access, std::chrono::milliseconds timeout,
                           std::stop_token stop) {
  base::Command command{.argv = {"setpriv", "--pdeathsig", "KILL", "skopeo", "inspect", "--raw"},
                        .environment = {"HOME=/root"},
                        .timeout = timeout,
                        .stop = std::move(stop),
                        .outputLimit = kMaxManifest};
  addAccess(command, access, "--");
  command.argv.push_back("docker://" + name);
  auto finished = runOrExplain(command);
  if (!finished.ok()) throwSkopeo(finished);
  return std::move(finished.out);
}

std::string parseSkopeoError(std::string_view log) {
  log = base::trim(log);
  size_t lastLine = log.rfind('\n');
  std::string_view line = lastLine == std::string_view::npos ? log : log.substr(lastLine + 1);
  constexpr std::string_view kMessage = "msg=\"";
  size_t start = line.find(kMessage);
  if (start == std::string_view::npos) return std::string(line.empty() ? "skopeo failed" : line);
  std::string out;
  for (size_t i = start + kMessage.size(); i < line.size() && line[i] != '"'; ++i) {
    if (line[i] == '\\' && i + 1 < line.size()) ++i;
    out += line[i];
  }
  // What comes before the cause names the image once more, under a name that skopeo alone knows.
  if (out.starts_with("Error parsing image name \"")) out.erase(0, std::min(out.find("\": ") + 3, out.size()));
  return out;
}

bool isUnreachable(std::string_view message) {
  for (std::string_view sign :
       {"did not answer in time", "dial tcp", "no such host", "i/o timeout", "TLS handshake timeout", "Client.Timeout",
        "connection reset", "network is unreachable", "no route to host"}) {
    if (message.find(sign) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace wherry::kubelet
