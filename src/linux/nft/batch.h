// Batch: changes of nftables as one netlink transaction, encoded byte by byte (no text, no library: ten thousand
// services are 5 MB of messages and half a second, not 260 MB and five). An instance belongs to one thread.
//
//   Batch batch;
//   batch.replaceTable(table);
//   batch.commit(socket);
//
// Either everything in it happens, at one instant for packets, or nothing.
#pragma once

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>

#include "linux/netlink_socket.h"
#include "linux/nft/ruleset.h"

namespace wherry::linux::nft {

// The kernel's refusal; nothing has changed. `error` is the first one's errno: ENOENT says that something that the
// batch relies on (the table, a set, an element) is not there, EEXIST that something is there already.
struct BatchError : std::runtime_error {
  BatchError(int errorNumber, const std::string& text) : std::runtime_error(text), error(errorNumber) {}
  int error;
};

class Batch {
 public:
  explicit Batch(IpFamily family = IpFamily::kIPv4);  // of all tables in it
  IpFamily family() const { return family_; }

  void addTable(const std::string& table);
  void deleteTable(const std::string& table);  // with all it holds
  // The table as modelled, in place of one of that name, or as the first. REQUIRES: it is of the batch's family.
  void replaceTable(const Table& table);
  void removeTableIfAny(const std::string& table);

  void addSet(const std::string& table, const Set& set);
  void addMap(const std::string& table, const DataMap& map);
  void addVerdictMap(const std::string& table, const VerdictMap& map);
  void deleteSet(const std::string& table, const std::string& set);      // or map, that no rule uses
  void deleteChain(const std::string& table, const std::string& chain);  // with its rules, where nothing leads
  void addChain(const std::string& table, const Chain& chain);           // without its rules
  void addRules(const std::string& table, const Chain& chain);           // its rules, behind those that are there

  // Elements; those in a row for the same set share messages.
  void addElement(const std::string& table, const std::string& set, const Data& key);
  void addElement(const std::string& table, const std::string& set, const Data& key, const Data& data);
  void addElement(const std::string& table, const std::string& set, const Data& key, const Verdict& verdict);
  void addElements(const std::string& table, const Set& set);  // that the model has
  // Of a dynamic map: ends in `left`, and after `timeout` once a packet has met it.
  struct Lifetime {
    std::chrono::milliseconds timeout;
    std::chrono::milliseconds left;
  };
  void addElement(const std::string& table, const std::string& set, const Data& key, const Data& data,
                  const Lifetime& lifetime);
  void addRange(const std::string& table, const std::string& set, const Data& first, const Data& last);
  void deleteElement(const std::string& table, const std::string& set, const Data& key);
  void deleteRange(const std::string& table, const std::string& set, const Data& first, const Data& last);

  bool empty() const { return count_ == 0 && !elements_; }
  size_t bytes() const { return packet_.size(); }  // so far, roughly

  // Sends it and waits until it is done. `socket` is of NETLINK_NETFILTER. Throws BatchError, or std::system_error when
  // the kernel couldn't be asked. The batch is used up.
  void commit(NetlinkSocket& socket);

 private:
  void append(NetlinkMessage message);
  struct Element {
    const Data& key;
    const Data* last = nullptr;
    const Data* data = nullptr;
    const Verdict* verdict = nullptr;
    const Lifetime* lifetime = nullptr;
  };
  struct SetData {  // of a map
    uint32_t type;
    uint32_t bytes;
  };
  void addSetMessage(const std::string& table, const std::string& name, const Type& type, uint32_t flags,
                     const std::optional<Dynamic>& dynamic, const std::optional<SetData>& data);
  void putElement(uint16_t messageType, const std::string& table, const std::string& set, const Element& element);
  void openElements(uint16_t messageType, const std::string& table, const std::string& set);
  void flushElements();

  NetlinkMessage message(uint16_t type, uint16_t flags) const;

  IpFamily family_;
  std::string packet_;
  uint32_t count_ = 0;  // messages, which are numbered when they are sent
  uint32_t nextSetId_ = 1;

  std::optional<NetlinkMessage> elements_;  // the message that elements are being added to
  std::string elementsOf_;                  // "<type> <table> <set>"
  size_t elementsNest_ = 0;
};

}  // namespace wherry::linux::nft
