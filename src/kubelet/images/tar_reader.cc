#include "kubelet/images/tar_reader.h"

#include <stdexcept>

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

namespace wherry::kubelet {
namespace {

constexpr size_t kBlockSize = 1 << 18;

// In the C locale libarchive can't turn UTF-8 names into "multibyte" ones; the UTF-8 form is there all the same.
std::string firstOf(const char* utf8, const char* raw) { return utf8 ? utf8 : raw ? raw : ""; }

}  // namespace

struct TarReader::State {
  archive* handle = ::archive_read_new();
  archive_entry* entry = nullptr;
  std::string file;

  ~State() { ::archive_read_free(handle); }

  void check(la_ssize_t result) const {
    if (result >= ARCHIVE_WARN) return;
    const char* why = ::archive_error_string(handle);
    throw std::runtime_error(file + ": " + (why ? why : "not a tar archive"));
  }
};

TarReader::TarReader(const std::string& file) : state_(std::make_unique<State>()) {
  state_->file = file;
  ::archive_read_support_filter_gzip(state_->handle);
  ::archive_read_support_filter_zstd(state_->handle);
  ::archive_read_support_format_tar(state_->handle);
  state_->check(::archive_read_open_filename(state_->handle, file.c_str(), kBlockSize));
}

TarReader::~TarReader() = default;

bool TarReader::next(TarEntry& entry) {
  int result = ::archive_read_next_header(state_->handle, &state_->entry);
  if (result == ARCHIVE_EOF) return false;
  state_->check(result);
  archive_entry* from = state_->entry;
  entry = {.path = firstOf(::archive_entry_pathname_utf8(from), ::archive_entry_pathname(from)),
           .type = ::archive_entry_filetype(from),
           .mode = ::archive_entry_perm(from),
           .uid = static_cast<uid_t>(::archive_entry_uid(from)),
           .gid = static_cast<gid_t>(::archive_entry_gid(from)),
           .modified = ::archive_entry_mtime(from),
           .symlink = firstOf(::archive_entry_symlink_utf8(from), ::archive_entry_symlink(from)),
           .hardlink = firstOf(::archive_entry_hardlink_utf8(from), ::archive_entry_hardlink(from))};
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  ::archive_entry_xattr_reset(from);
  while (::archive_entry_xattr_next(from, &name, &value, &size) == ARCHIVE_OK) {
    entry.xattrs.emplace_back(name, std::string(static_cast<const char*>(value), size));
  }
  return true;
}

void TarReader::readData(const std::function<void(std::string_view)>& piece) {
  std::string buffer(kBlockSize, '\0');
  for (;;) {
    la_ssize_t count = ::archive_read_data(state_->handle, buffer.data(), buffer.size());
    state_->check(count);
    if (count <= 0) return;
    piece(std::string_view(buffer).substr(0, static_cast<size_t>(count)));
  }
}

}  // namespace wherry::kubelet
