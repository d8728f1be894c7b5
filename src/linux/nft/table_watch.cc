#include "linux/nft/table_watch.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "base/log.h"
#include "base/strings.h"
#include "linux/nft/base_chains.h"

namespace wherry::linux::nft {
namespace {

const base::Log kLog("nftables");

constexpr uint16_t numberOf(uint16_t message) { return static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | message); }

NetlinkAttributes attributesOf(std::string_view payload) {
  return NetlinkAttributes(payload.substr(std::min(payload.size(), sizeof(nfgenmsg))));
}

// What a table is worse for, or another one.
bool isHarm(uint16_t type) {
  switch (type) {
    case numberOf(NFT_MSG_DELTABLE):
    case numberOf(NFT_MSG_DELCHAIN):
    case numberOf(NFT_MSG_DELRULE):
    case numberOf(NFT_MSG_NEWRULE):
    case numberOf(NFT_MSG_DELSET):
    case numberOf(NFT_MSG_DELSETELEM):
      return true;
    default:
      return false;
  }
}

// As the kernel names this process where it tells who made a change: its threads have no names of their own.
std::string ownName() { return std::string(base::trim(base::readFile("/proc/thread-self/comm"))); }

// Reads a transaction's messages, of which the last (NEWGEN) says who made it.
class Transactions {
 public:
  explicit Transactions(std::string table) : table_(std::move(table)), self_(ownName()) {}

  void read(uint16_t type, std::string_view payload) {
    if (isHarm(type)) {
      bool ours = attributesOf(payload).findText(NFTA_TABLE_NAME) == table_;
      harmed_ = harmed_ || ours;
      deleted_ = deleted_ || (ours && type == numberOf(NFT_MSG_DELTABLE));
    }
    if (type != numberOf(NFT_MSG_NEWGEN)) return;
    bool foreign = attributesOf(payload).findText(NFTA_GEN_PROC_NAME) != self_;
    harmedByOthers_ = harmedByOthers_ || (std::exchange(harmed_, false) && foreign);
  }
  // Since it was last asked.
  bool takeHarmedByOthers() { return std::exchange(harmedByOthers_, false); }
  bool takeDeleted() { return std::exchange(deleted_, false); }

 private:
  const std::string table_;
  const std::string self_;
  bool harmed_ = false;  // by the transaction that is being read
  bool deleted_ = false;
  bool harmedByOthers_ = false;
};

void watch(NetlinkListener& notifications, int wake, const std::string& table, IpFamily family,
           const std::function<void()>& gone) {
  NetlinkSocket socket(NETLINK_NETFILTER);
  Transactions transactions(table);
  for (;;) {
    bool heardAnything = false;  // nothing at all: a packet was lost, so it may have been this
    bool goOn = notifications.next(wake, [&](uint16_t type, std::string_view payload) {
      heardAnything = true;
      transactions.read(type, payload);
    });
    if (!goOn) return;
    bool deleted = transactions.takeDeleted() || !heardAnything;
    if (transactions.takeHarmedByOthers() || (deleted && !tableExists(socket, table, family))) gone();
  }
}

}  // namespace

TableWatch::TableWatch(std::string table, std::function<void()> gone, IpFamily family) : wake_(base::makePipe()) {
  auto notifications = std::make_unique<NetlinkListener>(NETLINK_NETFILTER, NFNLGRP_NFTABLES);
  int wake = wake_.read.get();
  thread_ = std::jthread(
      [wake, family, notifications = std::move(notifications), name = std::move(table), call = std::move(gone)] {
        try {
          watch(*notifications, wake, name, family, call);
        } catch (const std::system_error& error) {
          kLog.error("no longer watching table {}: {}", name, error.what());
        }
      });
}

TableWatch::~TableWatch() {
  wake_.write.reset();  // the other end becomes readable
  thread_.join();
}

}  // namespace wherry::linux::nft
