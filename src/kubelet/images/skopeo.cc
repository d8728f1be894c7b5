#include "kubelet/images/skopeo.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/strings.h"
#include "base/subprocess.h"
#include "kubelet/images/reference.h"

namespace wherry::kubelet {
namespace {

constexpr std::chrono::minutes kCopyTimeout{30};
constexpr size_t kMaxManifest = 4 << 20;

// Registries on the machine itself are spoken to without TLS, as container engines do.
bool isLocalRegistry(std::string_view registry) {
  std::string_view host = registry.substr(0, registry.rfind(':'));
  return host == "localhost" || host.starts_with("127.") || registry == "localhost";
}

bool isLocalSource(std::string_view source) {
  constexpr std::string_view kDocker = "docker://";
  if (!source.starts_with(kDocker)) return false;
  auto reference = ImageReference::parse(source.substr(kDocker.size()));
  return reference && isLocalRegistry(reference->registry);
}

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

}  // namespace

void runSkopeoCopy(const SkopeoCopy& copy) {
  base::Command command{
      .argv = {"skopeo", "--insecure-policy", "copy", "--quiet", "--dest-shared-blob-dir", copy.blobs},
      .environment = {"HOME=/root"},
      .timeout = kCopyTimeout,
      .stop = copy.stop};
  if (!copy.authFile.empty()) command.argv.insert(command.argv.end(), {"--src-authfile", copy.authFile});
  if (isLocalSource(copy.source)) command.argv.push_back("--src-tls-verify=false");
  command.argv.insert(command.argv.end(), {copy.source, "oci:" + copy.layout + ":image"});
  auto finished = runOrExplain(command);
  if (!finished.ok()) throwSkopeo(finished);
}

std::string skopeoDigest(const std::string& name, const std::string& authFile, std::chrono::milliseconds timeout,
                         std::stop_token stop) {
  base::Command command{.argv = {"skopeo", "inspect", "--raw"},
                        .environment = {"HOME=/root"},
                        .timeout = timeout,
                        .stop = std::move(stop),
                        .outputLimit = kMaxManifest};
  if (!authFile.empty()) command.argv.insert(command.argv.end(), {"--authfile", authFile});
  if (isLocalSource("docker://" + name)) command.argv.push_back("--tls-verify=false");
  command.argv.push_back("docker://" + name);
  auto finished = runOrExplain(command);
  if (!finished.ok()) throwSkopeo(finished);
  return "sha256:" + base::sha256Hex(finished.out);
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
  return out;
}

bool isUnreachable(std::string_view message) {
  for (std::string_view sign : {"dial tcp", "no such host", "i/o timeout", "TLS handshake timeout", "Client.Timeout",
                                "connection reset", "network is unreachable", "no route to host"}) {
    if (message.find(sign) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace wherry::kubelet
