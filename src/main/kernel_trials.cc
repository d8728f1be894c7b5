#include "main/kernel_trials.h"

#include <cerrno>
#include <exception>
#include <filesystem>
#include <functional>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "linux/conntrack.h"
#include "linux/links.h"
#include "linux/mounts.h"
#include "linux/nft/batch.h"

namespace wherry::main {
namespace {

namespace nft = linux::nft;

// Runs on a thread of its own that has left the machine's namespaces of these kinds; they end with it.
void inNewNamespaces(int kinds, const std::function<void()>& attempt) {
  std::exception_ptr failure;
  std::jthread([&] {
    try {
      if (::unshare(kinds) != 0) base::throwErrno("unshare");
      attempt();
    } catch (...) {
      failure = std::current_exception();
    }
  }).join();
  if (failure) std::rethrow_exception(failure);
}

void nothing() {}

void tryOverlay(const std::string& directory) {
  std::string pattern = directory + "/.wherry-check-XXXXXX";
  if (!::mkdtemp(pattern.data())) base::throwErrno("mkdtemp " + pattern);
  const std::filesystem::path scratch = pattern;
  std::exception_ptr failure;
  try {
    for (const char* part : {"lower", "upper", "work", "merged"}) std::filesystem::create_directory(scratch / part);
    inNewNamespaces(CLONE_NEWNS, [&] {
      if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) base::throwErrno("make mounts private");
      linux::mountOverlay({.lower = {scratch / "lower"}, .upper = scratch / "upper", .work = scratch / "work"},
                          scratch / "merged");
      base::writeFileAtomic(scratch / "merged/file", "written");
    });
  } catch (...) {
    failure = std::current_exception();
  }
  std::error_code ignored;
  std::filesystem::remove_all(scratch, ignored);
  if (failure) std::rethrow_exception(failure);
}

void tryVeth() {
  base::Fd here(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  linux::NetlinkSocket socket(NETLINK_ROUTE);
  linux::addVeth(
      socket,
      {.here = {"wh0", {2, 0, 0, 0, 0, 1}}, .there = {"wh1", {2, 0, 0, 0, 0, 2}}, .thereNamespace = here.get()});
}

// Each statement and type that the tables of proxy, policies and pod network are made of.
nft::Table trialTable() {
  using nft::Field;
  nft::Key port{Field::kDestinationAddress, Field::kProtocol, Field::kDestinationPort};
  nft::Key slot = port;
  slot.emplace_back(nft::RandomNumber{2});
  auto address = base::IpAddress::ipv4(0x0a000001);
  nft::Set ports{.name = "n2", .type = {nft::FieldType::kAddress, nft::FieldType::kProtocol, nft::FieldType::kPort}};
  ports.elements.insert(nft::Data().address(address).protocol(6).port(80));
  nft::DataMap slots{
      .name = "slots", .type = ports.type, .dataType = {nft::FieldType::kAddress, nft::FieldType::kPort}};
  slots.type.push_back(nft::FieldType::kNumber);
  slots.elements[nft::Data().address(address).protocol(6).port(80).number(0)] = nft::Data().address(address).port(8080);
  nft::Set allowed{.name = "allowed", .type = ports.type, .ranges = {{}}};
  nft::Set traffic{.name = "traffic", .type = ports.type, .dynamic = nft::Dynamic{16}};
  nft::DataMap affinity{
      .name = "affinity", .type = ports.type, .dataType = slots.dataType, .dynamic = nft::Dynamic{16}};
  nft::VerdictMap judged{.name = "judged", .type = {nft::FieldType::kAddress}, .elements = {}};
  judged.elements[nft::Data().address(address)] = {nft::VerdictKind::kReturn, ""};
  nft::Key sent{Field::kOriginalDestination, Field::kProtocol, Field::kOriginalDestinationPort};
  auto nat = [](nft::HookPoint point, int priority) { return nft::Hook{nft::ChainType::kNat, point, priority}; };
  nft::Hook filter{nft::ChainType::kFilter, nft::HookPoint::kPrerouting, nft::kPriorityFilter};
  return {
      .name = "wherry_check",
      .sets = {ports, allowed, traffic},
      .maps = {slots, affinity},
      .chains =
          {{.name = "prerouting",
            .hook = nat(nft::HookPoint::kPrerouting, nft::kPriorityDestinationNat),
            .rules = {{{nft::MatchSet{port, "n2"}, nft::DestinationNat{slot, "slots"}}}}},
           {.name = "postrouting",
            .hook = nat(nft::HookPoint::kPostrouting, nft::kPrioritySourceNat),
            .rules = {{{nft::MatchTranslated{}, nft::MasqueradeSource{}}}}},
           {.name = "refuse",
            .hook = filter,
            .rules = {{{nft::MatchNew{}, nft::MatchLocal{}, nft::MatchSet{port, "allowed"},
                        nft::RememberFor{
                            "affinity", sent, std::chrono::seconds(1), {Field::kReplySource, Field::kReplySourcePort}},
                        nft::CountIn{"traffic", sent}}},
                      {{nft::MatchInvalid{}, nft::Verdict{nft::VerdictKind::kDrop}}},
                      {{nft::MatchOpening{}, nft::DecideBy{{Field::kReplySource}, "judged"}}},
                      {{nft::Match{Field::kProtocol, nft::Match::Operator::kEqual, nft::Data().protocol(6)},
                        nft::Reject{nft::RejectWith::kTcpReset}}}}}},
      .verdictMaps = {judged}};
}

void tryNftables() {
  linux::NetlinkSocket socket(NETLINK_NETFILTER);
  nft::Batch batch;
  batch.replaceTable(trialTable());
  batch.commit(socket);
}

void tryConntrack() {
  linux::deleteConnections(0, [](const linux::Connection&) { return false; });
}

void trySeccomp() {
  uint32_t action = SECCOMP_RET_ERRNO;
  if (::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) != 0) base::throwErrno("seccomp");
}

Trial attempt(std::string feature, const std::function<void()>& action) {
  try {
    action();
    return {std::move(feature), ""};
  } catch (const std::system_error& error) {
    // A disk that is full is not the kernel's fault; it has a check of its own.
    bool full = error.code().value() == ENOSPC || error.code().value() == EDQUOT;
    return {std::move(feature), full ? "" : error.what()};
  } catch (const std::exception& error) {
    return {std::move(feature), error.what()};
  }
}

}  // namespace

std::vector<Trial> tryKernel(const std::string& directory) {
  return {attempt("overlayfs", [&] { tryOverlay(directory); }),
          attempt("veth", [] { inNewNamespaces(CLONE_NEWNET, tryVeth); }),
          attempt("nftables", [] { inNewNamespaces(CLONE_NEWNET, tryNftables); }),
          attempt("conntrack", [] { inNewNamespaces(CLONE_NEWNET, tryConntrack); }),
          attempt("ipc namespaces", [] { inNewNamespaces(CLONE_NEWIPC, nothing); }),
          attempt("uts namespaces", [] { inNewNamespaces(CLONE_NEWUTS, nothing); }),
          attempt("pid namespaces", [] { inNewNamespaces(CLONE_NEWPID, nothing); }),
          attempt("seccomp", trySeccomp)};
}

}  // namespace wherry::main
