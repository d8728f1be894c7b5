#include "linux/nft/table_watch.h"

#include <system_error>
#include <utility>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "base/log.h"
#include "linux/nft/base_chains.h"

namespace wherry::linux::nft {
namespace {

const base::Log kLog("nftables");
constexpr uint16_t kTableDeleted = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE;

// Whether the message is of that table.
bool isOf(const std::string& table, std::string_view payload) {
  if (payload.size() < sizeof(nfgenmsg)) return false;
  return NetlinkAttributes(payload.substr(sizeof(nfgenmsg))).findText(NFTA_TABLE_NAME) == table;
}

void watch(NetlinkListener& notifications, int wake, const std::string& table, const std::function<void()>& gone) {
  NetlinkSocket socket(NETLINK_NETFILTER);
  for (;;) {
    bool heardAnything = false;  // nothing at all: a packet was lost, so it may have been this
    bool deleted = false;
    bool goOn = notifications.next(wake, [&](uint16_t type, std::string_view payload) {
      heardAnything = true;
      deleted = deleted || (type == kTableDeleted && isOf(table, payload));
    });
    if (!goOn) return;
    if ((deleted || !heardAnything) && !tableExists(socket, table)) gone();
  }
}

}  // namespace

TableWatch::TableWatch(std::string table, std::function<void()> gone) : wake_(base::makePipe()) {
  auto notifications = std::make_unique<NetlinkListener>(NETLINK_NETFILTER, NFNLGRP_NFTABLES);
  int wake = wake_.read.get();
  thread_ =
      std::jthread([wake, notifications = std::move(notifications), name = std::move(table), call = std::move(gone)] {
        try {
          watch(*notifications, wake, name, call);
        } catch (const std::system_error& error) {
          kLog.error("no longer watching table ip {}: {}", name, error.what());
        }
      });
}

TableWatch::~TableWatch() {
  wake_.write.reset();  // the other end becomes readable
  thread_.join();
}

}  // namespace wherry::linux::nft
