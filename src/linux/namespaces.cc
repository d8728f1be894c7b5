#include "linux/namespaces.h"

#include <cerrno>
#include <exception>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "linux/mounts.h"

namespace wherry::linux {
namespace {

struct Kind {
  std::string file;
  int flag;
  const char* proc;
};

std::vector<Kind> kinds(const SharedNamespaces& files) {
  std::vector<Kind> out;
  if (!files.net.empty()) out.push_back({files.net, CLONE_NEWNET, "/proc/thread-self/ns/net"});
  if (!files.ipc.empty()) out.push_back({files.ipc, CLONE_NEWIPC, "/proc/thread-self/ns/ipc"});
  if (!files.uts.empty()) out.push_back({files.uts, CLONE_NEWUTS, "/proc/thread-self/ns/uts"});
  return out;
}

void bindNamespace(const Kind& kind) {
  base::Fd file(::open(kind.file.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0444));
  if (!file) base::throwErrno("open " + kind.file);
  if (::mount(kind.proc, kind.file.c_str(), nullptr, MS_BIND, nullptr) != 0) base::throwErrno("mount " + kind.file);
}

// A thread's namespaces die with it, so that the caller's stay what they are.
void onOwnThread(const std::function<void()>& work) {
  std::exception_ptr failure;
  std::thread([&] {
    try {
      work();
    } catch (...) {
      failure = std::current_exception();
    }
  }).join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace

void createNamespaces(const SharedNamespaces& files, const std::function<void()>& inside) {
  auto wanted = kinds(files);
  try {
    onOwnThread([&] {
      int flags = 0;
      for (const Kind& kind : wanted) flags |= kind.flag;
      if (::unshare(flags) != 0) base::throwErrno("unshare");
      for (const Kind& kind : wanted) bindNamespace(kind);
      inside();
    });
  } catch (...) {
    for (const Kind& kind : wanted) removeNamespace(kind.file);
    throw;
  }
}

void removeNamespace(const std::string& file) {
  unmount(file);
  if (::unlink(file.c_str()) != 0 && errno != ENOENT) base::throwErrno("unlink " + file);
}

bool isNamespace(const std::string& file) {
  struct statfs status {};
  return ::statfs(file.c_str(), &status) == 0 && status.f_type == NSFS_MAGIC;
}

void runInNetworkNamespace(const std::string& file, const std::function<void()>& inside) {
  base::Fd ns(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!ns) base::throwErrno("open " + file);
  onOwnThread([&] {
    if (::setns(ns.get(), CLONE_NEWNET) != 0) base::throwErrno("setns " + file);
    inside();
  });
}

}  // namespace wherry::linux
