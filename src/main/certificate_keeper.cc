#include "main/certificate_keeper.h"

#include <algorithm>
#include <exception>

#include "base/log.h"

namespace wherry::main {
namespace {

const base::Log kLog("pki");
constexpr std::chrono::hours kTryAgain{1};  // after a failure: the disk was full, say

bool sameCertificates(const pki::ClusterPki& a, const pki::ClusterPki& b) {
  return a.authority.certificatePem == b.authority.certificatePem &&
         a.apiServer.certificatePem == b.apiServer.certificatePem && a.admin.certificatePem == b.admin.certificatePem &&
         a.kubelet.certificatePem == b.kubelet.certificatePem;
}

}  // namespace

CertificateKeeper::CertificateKeeper(pki::ClusterPkiOptions options, const base::Clock& clock)
    : clock_(clock), options_(options), pki_(pki::loadClusterPki(options, clock)) {}

CertificateKeeper::~CertificateKeeper() { stop(); }

void CertificateKeeper::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  alarm_.wake();
  thread_.join();
}

void CertificateKeeper::follow(Changed changed) {
  thread_ = std::jthread([this, call = std::move(changed)](const std::stop_token& stop) {
    while (!stop.stop_requested()) alarm_.wait(renew(call));
  });
}

void CertificateKeeper::setServerNames(std::vector<std::string> names) {
  bool same = options_.with(
      [&](pki::ClusterPkiOptions& options) { return std::exchange(options.serverNames, names) == names; });
  if (!same) alarm_.wake();
}

base::WallTime CertificateKeeper::renew(const Changed& changed) {
  try {
    pki::ClusterPki now = pki::loadClusterPki(options_.copy(), clock_);
    if (!sameCertificates(pki_, now)) changed(pki_, now);
    pki_ = std::move(now);
    return pki::nextRenewal(pki_);
  } catch (const std::exception& error) {
    kLog.error("certificates can't be renewed, trying again in an hour: {}", error.what());
    return clock_.now() + kTryAgain;
  }
}

}  // namespace wherry::main
