// Archives for tests, written as anybody could write them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include "base/random.h"

namespace wherry::kubelet {

class Scratch {
 public:
  Scratch() : path_("/var/tmp/wherry-image-test-" + base::randomSuffix(8)) {
    std::filesystem::create_directories(path_);
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Member {
  std::string path;
  std::string content;
  mode_t type = S_IFREG;
  std::string link;  // of a symbolic link
  std::string hardlink;
  mode_t mode = 0644;
};

enum class Compression { kNone, kGzip, kZstd };

inline void writeTar(const std::string& file, const std::vector<Member>& members,
                     Compression compression = Compression::kNone) {
  archive* out = ::archive_write_new();
  if (compression == Compression::kGzip) ::archive_write_add_filter_gzip(out);
  if (compression == Compression::kZstd) ::archive_write_add_filter_zstd(out);
  ::archive_write_set_format_pax_restricted(out);
  ::archive_write_open_filename(out, file.c_str());
  for (const Member& member : members) {
    archive_entry* entry = ::archive_entry_new();
    ::archive_entry_set_pathname(entry, member.path.c_str());
    ::archive_entry_set_filetype(entry, member.type);
    ::archive_entry_set_perm(entry, member.type == S_IFDIR ? 0755 : member.mode);
    ::archive_entry_set_size(entry, static_cast<la_int64_t>(member.content.size()));
    if (!member.link.empty()) ::archive_entry_set_symlink(entry, member.link.c_str());
    if (!member.hardlink.empty()) ::archive_entry_set_hardlink(entry, member.hardlink.c_str());
    ::archive_write_header(out, entry);
    ::archive_write_data(out, member.content.data(), member.content.size());
    ::archive_entry_free(entry);
  }
  ::archive_write_close(out);
  ::archive_write_free(out);
}

}  // namespace wherry::kubelet
