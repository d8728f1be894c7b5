#include <cstdio>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/strings.h"
#include "cli/command.h"
#include "cli/config_file.h"
#include "json/yaml.h"
#include "pki/cluster_pki.h"

namespace wherry::cli {
namespace {

constexpr size_t kMaxName = 64;  // RFC 5280 appendix A.1, ub-common-name and ub-organization-name

struct Options {
  std::string dataDir = "/var/lib/wherry";
  std::string runDir = "/run/wherry";
  std::string adminKubeconfig;  // empty: dataDir/admin.kubeconfig
  std::string user;
  std::vector<std::string> groups;
  std::string server;  // empty: the admin's
  std::string expires = "365d";
  std::string output;  // empty: stdout
};

void checkName(const char* flag, const std::string& name) {
  bool printable = true;
  for (char c : name) printable = printable && static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
  if (name.empty() || name.size() > kMaxName || !printable) {
    throw UsageError(fmt::format("{} \"{}\": a certificate holds names of 1 to {} printable bytes", flag,
                                 printable ? name : "...", kMaxName));
  }
}

// "12h", "365d".
std::chrono::hours parseLifetime(const std::string& text) {
  constexpr int kMaxHours = 24 * 365 * 100;
  auto number = text.empty() ? std::nullopt : base::parseInt<int>(std::string_view(text).substr(0, text.size() - 1));
  int hours = text.ends_with('d') ? 24 : text.ends_with('h') ? 1 : 0;
  if (!number || hours == 0 || *number < 1 || *number > kMaxHours / hours) {
    throw UsageError(fmt::format("--expires {}: not a number of days or hours, such as 90d or 12h", text));
  }
  return std::chrono::hours(*number * hours);
}

std::string serverOf(const Options& options) {
  if (!options.server.empty()) return options.server;
  std::string path = options.adminKubeconfig.empty() ? options.dataDir + "/admin.kubeconfig" : options.adminKubeconfig;
  auto text = base::readFileIfExists(path);
  std::string server;
  if (text) server = json::getString(json::parseYaml(*text), "clusters.0.cluster.server");
  if (server.empty()) throw UsageError(fmt::format("{} names no server; give one with --server", path));
  return server;
}

pki::KeyPair readAuthority(const std::string& dataDir) {
  std::string path = dataDir + "/pki/ca";
  if (::access((dataDir + "/pki").c_str(), X_OK) != 0 && errno == EACCES) {
    throw std::runtime_error(fmt::format("{} is root's alone: sudo wherry kubeconfig ...", dataDir + "/pki"));
  }
  auto certificate = base::readFileIfExists(path + ".crt");
  if (!certificate) {
    throw std::runtime_error(
        fmt::format("{}.crt is not there: the first start of `wherry server` makes it (another --data-dir?)", path));
  }
  return {std::move(*certificate), base::readFile(path + ".key")};
}

int makeKubeconfig(const Options& options) {
  checkName("--user", options.user);
  for (const std::string& group : options.groups) checkName("--group", group);
  std::chrono::hours lifetime = parseLifetime(options.expires);
  pki::KeyPair authority = readAuthority(options.dataDir);
  pki::KubeconfigSpec spec{
      .server = serverOf(options),
      .authorityPem = authority.certificatePem,
      .credentials = pki::issueCertificate(authority, {pki::Usage::kClient, options.user, options.groups, {}, lifetime},
                                           base::Clock::system().now()),
      .userName = options.user};
  if (options.output.empty()) {
    fmt::print("{}", pki::renderKubeconfig(spec));
    return 0;
  }
  if (::access(options.output.c_str(), F_OK) == 0) {
    throw std::runtime_error(fmt::format("{} is there already; remove it first, or name another file", options.output));
  }
  pki::writeKubeconfig(options.output, spec);
  auto facts = pki::readCertificate(spec.credentials.certificatePem);
  fmt::print("{}: user {}, until {}\n", options.output, options.user, base::formatUtcMillis(facts.notAfter));
  return 0;
}

}  // namespace

std::function<int()> declareKubeconfig(CLI::App& parser) {
  auto options = std::make_shared<Options>();
  parser.add_option("--user", options->user, "the user's name, as the API sees it")->type_name("NAME")->required();
  parser.add_option("--group", options->groups, "a group that the user is in; may be given several times")
      ->type_name("NAME")
      ->allow_extra_args(false);
  parser.add_option("--server", options->server, "the API's address (default: as in the admin's kubeconfig)")
      ->type_name("URL");
  parser.add_option("--expires", options->expires, "the certificate's lifetime, in days or hours")
      ->type_name("90d|12h")
      ->capture_default_str();
  parser.add_option("-o,--output", options->output, "a new file, readable by its owner alone (default: stdout)")
      ->type_name("FILE");
  parser.add_option("--run-dir", options->runDir, "the server's run directory")
      ->type_name("DIR")
      ->capture_default_str();
  parser.add_option("--data-dir", options->dataDir, "the server's data directory")
      ->type_name("DIR")
      ->capture_default_str();
  parser
      .add_option("--write-kubeconfig", options->adminKubeconfig,
                  "the admin's kubeconfig (default: DATA-DIR/admin.kubeconfig)")
      ->type_name("FILE");
  parser.footer(
      "The kubeconfig holds a client certificate of the cluster's authority. It can't be revoked: what the user may "
      "do\n"
      "is a matter of roles, and members of system:masters may do everything until it expires.");
  return [options] { return makeKubeconfig(*options); };
}

}  // namespace wherry::cli
