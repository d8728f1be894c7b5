#include "main/limit_options.h"

#include <stdexcept>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/fd.h"

namespace wherry::main {
namespace {

constexpr size_t kMost = 1'000'000;

void declareCount(CLI::App& parser, const char* flag, size_t& value, const char* help) {
  parser.add_option(flag, value, help)->check(CLI::Range(size_t{1}, kMost))->capture_default_str()->group("Limits");
}

CLI::Option* declareAudit(CLI::App& parser, const char* flag, int& value, const char* help) {
  return parser.add_option(flag, value, help)->check(CLI::Range(0, 100'000))->capture_default_str()->group("Audit");
}

}  // namespace

void declareLimitFlags(CLI::App& parser, LimitOptions& options) {
  auto& requests = options.requests;
  declareCount(parser, "--max-requests-inflight", requests.requests, "requests under way; more are refused with 429");
  declareCount(parser, "--max-requests-per-user", requests.requestsOfUser, "... of one user");
  declareCount(parser, "--max-requests-per-namespace", requests.requestsOfNamespace, "... in one namespace");
  declareCount(parser, "--max-watches", requests.watches, "watches and other streams under way");
  declareCount(parser, "--max-watches-per-user", requests.watchesOfUser, "... of one user");
  parser.add_option("--request-timeout", options.requestSeconds, "seconds until a request is answered with 504")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str()
      ->group("Limits");
  declareCount(parser, "--max-connections", options.connections.total, "connections; more are closed at once");
  declareCount(parser, "--max-connections-per-address", options.connections.perAddress, "... from one address");
  declareCount(parser, "--max-handshakes", options.connections.handshakes, "TLS handshakes under way");
  parser
      .add_option("--audit-policy-file", options.auditPolicy, "which requests are noted: a Policy of audit.k8s.io/v1")
      ->check(CLI::ExistingFile)
      ->group("Audit");
  parser.add_option("--audit-log-path", options.auditLog.path, "where they are noted; - is the standard output")
      ->type_name("FILE")
      ->group("Audit");
  declareAudit(parser, "--audit-log-maxsize", options.auditLog.maxSizeMegabytes,
               "megabytes of the file before it is put aside");
  declareAudit(parser, "--audit-log-maxbackup", options.auditLog.maxBackups, "files put aside that are kept; 0: all");
  declareAudit(parser, "--audit-log-maxage", options.auditLog.maxAgeDays, "days that they are kept; 0: for ever");
}

apiserver::ObserverOptions observerOptions(const LimitOptions& options) {
  apiserver::ObserverOptions observer;
  observer.limits = options.requests;
  observer.limits.requestTime = std::chrono::seconds(options.requestSeconds);
  if (options.auditPolicy.empty() != options.auditLog.path.empty()) {
    throw std::runtime_error("--audit-policy-file and --audit-log-path are only of use together; give both or none");
  }
  if (options.auditPolicy.empty()) return observer;
  try {
    observer.auditPolicy = std::make_shared<const apiserver::audit::Policy>(
        apiserver::audit::Policy::parse(base::readFile(options.auditPolicy)));
  } catch (const std::exception& error) {
    throw std::runtime_error(fmt::format("--audit-policy-file {}: {}", options.auditPolicy, error.what()));
  }
  observer.auditLog = apiserver::audit::openLog(options.auditLog);
  return observer;
}

}  // namespace wherry::main
