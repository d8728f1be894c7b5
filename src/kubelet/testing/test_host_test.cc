#include "kubelet/testing/test_host.h"

#include <cstdlib>
#include <filesystem>

#include <archive.h>
#include <archive_entry.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encoding.h"
#include "base/fd.h"
#include "base/random.h"
#include "base/subprocess.h"
#include "linux/cgroups.h"
#include "linux/mounts.h"

namespace wherry::kubelet {
namespace {

namespace fs = std::filesystem;

constexpr const char* kApplets[] = {"sh",       "sleep", "cat",  "echo", "true",     "false", "wget",
                                    "nslookup", "id",    "ls",   "kill", "hostname", "httpd", "touch",
                                    "env",      "mount", "grep", "pwd",  "unshare",  "ip",    "stty",
                                    "tty",      "nc",    "head", "wc",   "dd",       "setsid"};

void raiseLoopback() {
  base::Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::snprintf(request.ifr_name, sizeof request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  ::ioctl(socket.get(), SIOCSIFFLAGS, &request);
}

std::string busybox() {
  const char* file = std::getenv("WHERRY_TEST_BUSYBOX");
  return file ? file : "";
}

std::string enter() {
  if (::geteuid() != 0) return "running containers needs root";
  for (const char* program : {"crun", "conmon"}) {
    if (!base::findProgram(program)) return std::string(program) + " is not installed";
  }
  if (!fs::exists(busybox())) return "WHERRY_TEST_BUSYBOX names no static busybox";
  if (::unshare(CLONE_NEWNS | CLONE_NEWNET) != 0) return "no namespace of our own can be made here";
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return "mounts can't be made private";
  raiseLoopback();
  for (const std::string& controller : linux::readCgroups().missingControllers) {
    std::string target = "/sys/fs/cgroup/" + controller;
    ::mkdir(target.c_str(), 0755);
    ::mount("cgroup", target.c_str(), "cgroup", 0, controller.c_str());
  }
  return {};
}

class TarWriter {
 public:
  explicit TarWriter(const std::string& file) : archive_(::archive_write_new()) {
    ::archive_write_set_format_pax_restricted(archive_);
    ::archive_write_open_filename(archive_, file.c_str());
  }
  ~TarWriter() { ::archive_write_free(archive_); }

  void add(const std::string& path, const std::string& content, mode_t type = S_IFREG, const std::string& link = {}) {
    archive_entry* entry = ::archive_entry_new();
    ::archive_entry_set_pathname(entry, path.c_str());
    ::archive_entry_set_filetype(entry, type);
    ::archive_entry_set_perm(entry, 0755);
    ::archive_entry_set_size(entry, static_cast<la_int64_t>(content.size()));
    if (!link.empty()) ::archive_entry_set_symlink(entry, link.c_str());
    ::archive_write_header(archive_, entry);
    ::archive_write_data(archive_, content.data(), content.size());
    ::archive_entry_free(entry);
  }

 private:
  archive* archive_;
};

std::string describe(const std::string& content, const std::string& type, const std::string& more = {}) {
  return R"({"mediaType":"application/vnd.oci.image.)" + type + R"(","digest":"sha256:)" + base::sha256Hex(content) +
         R"(","size":)" + std::to_string(content.size()) + more + "}";
}

}  // namespace

const std::string& enterTestHost() {
  static const std::string kReason = enter();
  return kReason;
}

TestDirectory::TestDirectory() : path_("/var/tmp/wherry-kubelet-test-" + base::randomSuffix(6)) {
  fs::create_directories(data());
  fs::create_directories(run());
}

TestDirectory::~TestDirectory() {
  linux::unmountBelow(path_);
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string makeBusyboxLayer(const std::string& directory) {
  for (const char* part : {"/bin", "/etc", "/tmp", "/proc", "/dev", "/sys"}) fs::create_directories(directory + part);
  fs::copy_file(busybox(), directory + "/bin/busybox");
  for (const char* applet : kApplets) fs::create_symlink("busybox", directory + "/bin/" + applet);
  base::writeFileAtomic(directory + "/etc/passwd", "root:x:0:0::/root:/bin/sh\nweb:x:101:102::/:/bin/sh\n");
  base::writeFileAtomic(directory + "/etc/group", "root:x:0:\nweb:x:102:\n");
  return directory;
}

void writeBusyboxArchive(const std::string& file, const std::string& name) {
  std::string layerFile = file + ".layer";
  {
    TarWriter layer(layerFile);
    layer.add("bin/busybox", base::readFile(busybox()));
    for (const char* applet : kApplets) layer.add(std::string("bin/") + applet, "", S_IFLNK, "busybox");
    layer.add("etc/passwd", "root:x:0:0::/root:/bin/sh\nweb:x:101:102::/:/bin/sh\n");
    layer.add("tmp/", "", S_IFDIR);
  }
  std::string layer = base::readFile(layerFile);
  std::string config = R"({"architecture":"amd64","os":"linux","config":{"Env":["PATH=/bin"],"Cmd":["sh"]},)"
                       R"("rootfs":{"type":"layers","diff_ids":["sha256:)" +
                       base::sha256Hex(layer) + R"("]}})";
  std::string manifest = R"({"schemaVersion":2,"config":)" + describe(config, "config.v1+json") + R"(,"layers":[)" +
                         describe(layer, "layer.v1.tar") + "]}";
  std::string named = R"(,"annotations":{"org.opencontainers.image.ref.name":")" + name + "\"}";
  TarWriter out(file);
  for (const std::string* blob : {&config, &layer, &manifest}) out.add("blobs/sha256/" + base::sha256Hex(*blob), *blob);
  out.add("index.json", R"({"schemaVersion":2,"manifests":[)" + describe(manifest, "manifest.v1+json", named) + "]}");
}

}  // namespace wherry::kubelet
