#include "main/report_archive.h"

#include <cstdio>
#include <ctime>
#include <filesystem>
#include <stdexcept>

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"

namespace wherry::main {

struct ReportArchive::State {
  std::string path;
  std::string partial;
  std::string folder;
  base::Fd file;
  archive* handle = ::archive_write_new();
  bool closed = false;

  ~State() {
    ::archive_write_free(handle);
    if (!closed) ::unlink(partial.c_str());
  }

  void check(la_ssize_t result) const {
    if (result >= ARCHIVE_WARN) return;
    const char* why = ::archive_error_string(handle);
    throw std::runtime_error(path + ": " + (why ? why : "can't be written"));
  }
};

ReportArchive::ReportArchive(std::string path) : state_(std::make_unique<State>()) {
  std::filesystem::path name = std::filesystem::path(path).filename();
  bool compressed = name.extension() == ".gz" || name.extension() == ".tgz";
  while (name.has_extension()) name = name.stem();
  state_->folder = name.string();
  state_->partial = path + ".partial";
  state_->path = std::move(path);
  if (compressed) ::archive_write_add_filter_gzip(state_->handle);
  ::archive_write_set_format_pax_restricted(state_->handle);
  state_->file.reset(::open(state_->partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!state_->file) base::throwErrno("open " + state_->partial);
  state_->check(::archive_write_open_fd(state_->handle, state_->file.get()));
}

ReportArchive::~ReportArchive() = default;

void ReportArchive::add(const std::string& name, std::string_view content) {
  struct Entry {
    archive_entry* entry = ::archive_entry_new();
    ~Entry() { ::archive_entry_free(entry); }
  } holder;
  ::archive_entry_set_pathname(holder.entry, (state_->folder + "/" + name).c_str());
  ::archive_entry_set_size(holder.entry, static_cast<la_int64_t>(content.size()));
  ::archive_entry_set_filetype(holder.entry, AE_IFREG);
  ::archive_entry_set_perm(holder.entry, 0600);
  ::archive_entry_set_mtime(holder.entry, ::time(nullptr), 0);
  state_->check(::archive_write_header(state_->handle, holder.entry));
  if (!content.empty()) state_->check(::archive_write_data(state_->handle, content.data(), content.size()));
}

void ReportArchive::close() {
  state_->check(::archive_write_close(state_->handle));
  if (::rename(state_->partial.c_str(), state_->path.c_str()) != 0) base::throwErrno("rename " + state_->partial);
  state_->closed = true;
}

}  // namespace wherry::main
