// CertificateKeeper: keeps the cluster's certificates good for as long as the server runs. It sleeps until the first of
// them is due, and wakes when the clock is set or when the server is reached under other names.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/wall_alarm.h"
#include "pki/cluster_pki.h"

namespace wherry::main {

class CertificateKeeper {
 public:
  // Loads the certificates, and renews what has to be. Throws as pki::loadClusterPki.
  explicit CertificateKeeper(pki::ClusterPkiOptions options, const base::Clock& clock = base::Clock::system());
  ~CertificateKeeper();  // stops
  CertificateKeeper(const CertificateKeeper&) = delete;
  CertificateKeeper& operator=(const CertificateKeeper&) = delete;

  // As loaded, and as renewed before follow().
  const pki::ClusterPki& pki() const { return pki_; }

  using Changed = std::function<void(const pki::ClusterPki& before, const pki::ClusterPki& now)>;
  // From now on renews by itself, and calls `changed` on a thread of its own each time. Once.
  void follow(Changed changed);

  // No call of `changed` any more.
  void stop();

  // The names under which the API server is reached, from now on. Any thread.
  void setServerNames(std::vector<std::string> names);

  // Renews what is due and answers when to look again. REQUIRES: not followed yet; follow() does it.
  base::WallTime renew(const Changed& changed);

 private:
  const base::Clock& clock_;
  base::Guarded<pki::ClusterPkiOptions> options_;
  pki::ClusterPki pki_;
  base::WallAlarm alarm_;
  std::jthread thread_;
};

}  // namespace wherry::main
