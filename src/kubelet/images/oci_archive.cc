#include "kubelet/images/oci_archive.h"

#include <stdexcept>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/random.h"
#include "kubelet/images/digest.h"
#include "kubelet/images/reference.h"
#include "kubelet/images/tar_reader.h"

namespace wherry::kubelet {
namespace {

constexpr std::string_view kBlobs = "blobs/sha256/";
constexpr size_t kMaxDocument = 4 << 20;  // bytes of index.json or manifest.json

std::string withoutDot(const std::string& path) { return path.starts_with("./") ? path.substr(2) : path; }

bool isHexDigest(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

void extractBlob(TarReader& reader, const std::string& hex, const std::string& directory) {
  std::string target = directory + "/" + hex;
  if (::access(target.c_str(), F_OK) == 0) return;
  std::string temporary = fmt::format("{}/.incoming-{}", directory, base::randomSuffix(10));
  base::Fd file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file) base::throwErrno("create " + temporary);
  Sha256 hash;
  reader.readData([&](std::string_view piece) {
    hash.add(piece);
    base::writeAll(file.get(), piece, temporary);
  });
  bool right = hash.hex() == hex;
  if (right && ::rename(temporary.c_str(), target.c_str()) == 0) return;
  ::unlink(temporary.c_str());
  throw std::runtime_error("blob sha256:" + hex + " has another digest");
}

std::string readDocument(TarReader& reader, const std::string& name) {
  std::string text;
  reader.readData([&](std::string_view piece) {
    if (text.size() + piece.size() > kMaxDocument) throw std::runtime_error(name + " is too large");
    text += piece;
  });
  return text;
}

}  // namespace

ArchiveKind detectArchive(const std::string& file) {
  TarReader reader(file);
  bool docker = false;
  for (TarEntry entry; reader.next(entry);) {
    std::string path = withoutDot(entry.path);
    if (path == "index.json" || path == "oci-layout") return ArchiveKind::kOci;
    docker = docker || path == "manifest.json";
  }
  return docker ? ArchiveKind::kDocker : ArchiveKind::kNeither;
}

json::Value extractOciArchive(const std::string& file, const std::string& blobDirectory) {
  TarReader reader(file);
  std::optional<json::Value> index;
  for (TarEntry entry; reader.next(entry);) {
    std::string path = withoutDot(entry.path);
    if (entry.type != S_IFREG) continue;
    if (path == "index.json") index = json::parse(readDocument(reader, path));
    bool blob = path.starts_with(kBlobs) && isHexDigest(std::string_view(path).substr(kBlobs.size()));
    if (blob) extractBlob(reader, path.substr(kBlobs.size()), blobDirectory);
  }
  if (!index) throw std::runtime_error(file + " has no index.json");
  return *index;
}

std::optional<std::string> archivedName(const Descriptor& descriptor) {
  for (const char* key : {"io.containerd.image.name", "org.opencontainers.image.ref.name"}) {
    const json::Value* value = descriptor.annotations.if_contains(key);
    if (!value || !value->is_string()) continue;
    auto reference = ImageReference::parse(value->get_string());
    if (reference) return reference->text();
  }
  return std::nullopt;
}

std::vector<std::string> dockerArchiveNames(const std::string& file) {
  TarReader reader(file);
  std::vector<std::string> names;
  for (TarEntry entry; reader.next(entry);) {
    if (withoutDot(entry.path) != "manifest.json") continue;
    json::Value manifest = json::parse(readDocument(reader, "manifest.json"));
    if (!manifest.is_array()) break;
    for (const json::Value& image : manifest.get_array()) {
      const json::Value* tags = json::find(image, "RepoTags");
      if (!tags || !tags->is_array()) continue;
      for (const json::Value& tag : tags->get_array()) {
        if (tag.is_string()) names.emplace_back(tag.get_string());
      }
    }
    break;
  }
  return names;
}

}  // namespace wherry::kubelet
