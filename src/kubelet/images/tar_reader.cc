#include "kubelet/images/tar_reader.h"

#include <cerrno>
#include <stdexcept>

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

namespace wherry::kubelet {
namespace {

constexpr size_t kBlockSize = 1 << 18;
constexpr size_t kMostPadding = 16 << 20;  // bytes; a record of tar's is 10 KiB, if nobody asks for a larger one

// In the C locale libarchive can't turn UTF-8 names into "multibyte" ones; the UTF-8 form is there all the same.
std::string firstOf(const char* utf8, const char* raw) { return utf8 ? utf8 : raw ? raw : ""; }

}  // namespace

// Two readers of libarchive's, one after the other: only so can what lies between them, the archive without its
// compression, be seen.
struct TarReader::State {
  archive* packed = ::archive_read_new();
  archive* handle = ::archive_read_new();
  archive_entry* entry = nullptr;
  std::string file;
  Sha256* content = nullptr;

  ~State() {
    ::archive_read_free(handle);
    ::archive_read_free(packed);
  }

  void check(la_ssize_t result) const { check(result, handle); }
  void check(la_ssize_t result, archive* reader) const {
    if (result >= ARCHIVE_WARN) return;
    const char* why = ::archive_error_string(reader);
    throw std::runtime_error(file + ": " + (why ? why : "not a tar archive"));
  }

  void open() {
    ::archive_read_support_filter_gzip(packed);
    ::archive_read_support_filter_zstd(packed);
    ::archive_read_support_format_raw(packed);
    ::archive_read_support_format_empty(packed);
    check(::archive_read_open_filename(packed, file.c_str(), kBlockSize), packed);
    archive_entry* all = nullptr;
    check(::archive_read_next_header(packed, &all), packed);
    ::archive_read_support_format_tar(handle);
    check(::archive_read_open(handle, this, nullptr, &State::onRead, nullptr));
  }

  // The next bytes without compression: how many, 0 at the end, or libarchive's error.
  la_ssize_t unpack(const void** bytes) const {
    size_t size = 0;
    la_int64_t offset = 0;
    int result = ::archive_read_data_block(packed, bytes, &size, &offset);
    if (result == ARCHIVE_EOF) return 0;
    if (result < ARCHIVE_WARN) return result;
    if (content) content->add({static_cast<const char*>(*bytes), size});
    return static_cast<la_ssize_t>(size);
  }

  static la_ssize_t onRead(archive* handle, void* self, const void** bytes) {
    auto& state = *static_cast<State*>(self);
    la_ssize_t count = state.unpack(bytes);
    if (count < 0) ::archive_set_error(handle, EIO, "%s", ::archive_error_string(state.packed));
    return count;
  }
};

TarReader::TarReader(const std::string& file, Sha256* content) : state_(std::make_unique<State>()) {
  state_->file = file;
  state_->content = content;
  state_->open();
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

void TarReader::readPadding() {
  const void* bytes = nullptr;
  size_t padding = 0;
  while (la_ssize_t count = state_->unpack(&bytes)) {
    state_->check(count, state_->packed);
    padding += static_cast<size_t>(count);
    if (padding > kMostPadding) throw std::runtime_error(state_->file + ": too much follows the end of the archive");
  }
}

}  // namespace wherry::kubelet
