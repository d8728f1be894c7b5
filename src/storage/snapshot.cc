#include "storage/snapshot.h"

#include <array>
#include <cerrno>
#include <filesystem>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/encoding.h"
#include "base/fd.h"
#include "base/strings.h"
#include "base/sync.h"

namespace wherry::storage {

namespace {

constexpr std::string_view kFirstLine = "wherry snapshot 1\n";
constexpr std::string_view kAnyFirstLine = "wherry snapshot ";
constexpr size_t kBuffer = 256 << 10;
constexpr size_t kLongestLine = 256;
constexpr size_t kLargestRecord = 64 << 20;  // far above what a request may bring
constexpr std::array<std::string_view, 3> kSealings = {"plain", "sealed", "unread"};

class Digest {
 public:
  void add(std::string_view record) { value_ = base::sha256(value_ + base::sha256(record)); }
  std::string hex() const { return base::encodeHex(value_); }

 private:
  std::string value_ = std::string(32, '\0');
};

std::string_view nameOf(Sealing sealing) { return kSealings[static_cast<size_t>(sealing)]; }

int64_t millisOf(base::WallTime time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

std::string directoryOf(const std::string& path) {
  std::string directory = std::filesystem::path(path).parent_path();
  return directory.empty() ? "." : directory;
}

// Not what somebody else put there: what is written is secret.
base::Fd openNew(const std::string& path) {
  ::unlink(path.c_str());
  base::Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) base::throwErrno("open " + path);
  return file;
}

// A file from its beginning to its end, in pieces.
class Input {
 public:
  explicit Input(const std::string& path) : path_(path), file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (!file_) base::throwErrno("open " + path);
  }

  // `size` bytes, taken; fewer when there are no more.
  std::string take(size_t size) {
    while (left().size() < size && fill()) {
    }
    std::string out(left().substr(0, size));
    at_ += out.size();
    return out;
  }

  // A line with its end, or the first bytes of what is too long for one.
  std::string takeLine() {
    while (left().find('\n') == std::string_view::npos && left().size() < kLongestLine && fill()) {
    }
    return take(std::min(left().find('\n'), kLongestLine - 1) + 1);
  }

 private:
  std::string_view left() const { return std::string_view(buffer_).substr(at_); }

  bool fill() {
    buffer_.erase(0, std::exchange(at_, 0));
    size_t had = buffer_.size();
    buffer_.resize(had + kBuffer);
    ssize_t count = 0;
    do {
      count = ::read(file_.get(), buffer_.data() + had, kBuffer);
    } while (count < 0 && errno == EINTR);
    buffer_.resize(had + static_cast<size_t>(std::max<ssize_t>(count, 0)));
    if (count < 0) base::throwErrno("read " + path_);
    return count > 0;
  }

  std::string path_;
  base::Fd file_;
  std::string buffer_;
  size_t at_ = 0;
};

}  // namespace

// -- writing ----------------------------------------------------------------------------------------------------------

struct SnapshotWriter::State {
  explicit State(std::string target)
      : path(std::move(target)), temporary(fmt::format("{}.{}.tmp", path, ::gettid())), file(openNew(temporary)) {}

  void add(std::string_view record) {
    digest.add(record);
    write(record);
    ++records;
  }

  void write(std::string_view text) {
    buffer += text;
    if (buffer.size() >= kBuffer) flush();
  }

  void flush() {
    base::writeAll(file.get(), buffer, temporary);
    buffer.clear();
  }

  std::string path;
  std::string temporary;  // empty: it has its name
  base::Fd file;
  std::string buffer;
  Digest digest;
  size_t records = 0;
};

SnapshotWriter::SnapshotWriter(std::string path) : state_(std::make_unique<State>(std::move(path))) {
  state_->digest.add(kFirstLine);
  state_->write(kFirstLine);
}

SnapshotWriter::~SnapshotWriter() {
  if (!state_->temporary.empty()) ::unlink(state_->temporary.c_str());
}

void SnapshotWriter::add(const SnapshotPart& part) {
  state_->add(fmt::format("part {} {} {}\n{}{}\n", part.name.size(), part.content.size(), nameOf(part.sealing),
                          part.name, part.content));
}

void SnapshotWriter::add(const Entry& entry, std::string_view bytes, Sealing sealing) {
  state_->add(fmt::format("entry {} {} {} {} {}\n{}{}\n", entry.key.size(), bytes.size(), nameOf(sealing),
                          entry.created, entry.modified, entry.key, bytes));
}

void SnapshotWriter::finish(const SnapshotEnd& end) {
  std::string last = fmt::format("end {} {} {} ", end.revision, millisOf(end.saved), state_->records);
  state_->digest.add(last);
  state_->write(last + state_->digest.hex() + "\n");
  state_->flush();
  if (::fsync(state_->file.get()) != 0) base::throwErrno("fsync " + state_->temporary);
  if (::rename(state_->temporary.c_str(), state_->path.c_str()) != 0) base::throwErrno("rename to " + state_->path);
  state_->temporary.clear();
  base::syncDirectory(directoryOf(state_->path));
}

// -- reading ----------------------------------------------------------------------------------------------------------

struct SnapshotReader::State {
  explicit State(std::string from) : path(std::move(from)), input(path) {}

  SnapshotError damaged() const {
    return SnapshotError(fmt::format("{} is damaged: it was altered, or cut short", path));
  }

  int64_t numberOf(std::string_view word) const {
    auto number = base::parseInt<int64_t>(word);
    if (!number || *number < 0) throw damaged();
    return *number;
  }

  size_t sizeOf(std::string_view word) const {
    auto size = static_cast<size_t>(numberOf(word));
    if (size > kLargestRecord) throw damaged();
    return size;
  }

  Sealing sealingOf(std::string_view word) const {
    for (size_t i = 0; i < kSealings.size(); ++i) {
      if (kSealings[i] == word) return static_cast<Sealing>(i);
    }
    throw damaged();
  }

  void readFirstLine();
  std::optional<Record> next();
  Record readRecord(const std::string& line, const std::vector<std::string_view>& words);
  void readEnd(const std::string& line, const std::vector<std::string_view>& words);

  std::string path;
  Input input;
  Digest digest;
  size_t records = 0;
  SnapshotEnd end;
};

void SnapshotReader::State::readFirstLine() {
  std::string line = input.takeLine();
  if (line.starts_with(kAnyFirstLine) && line.ends_with('\n') && line != kFirstLine) {
    throw SnapshotError(fmt::format("{} was written by a newer version: install that one to restore it", path));
  }
  if (line != kFirstLine) throw SnapshotError(path + " is no snapshot");
  digest.add(line);
}

std::optional<SnapshotReader::Record> SnapshotReader::State::next() {
  std::string line = input.takeLine();
  if (!line.ends_with('\n')) throw damaged();
  auto words = base::split(std::string_view(line).substr(0, line.size() - 1), ' ');
  if ((words[0] == "part" && words.size() == 4) || (words[0] == "entry" && words.size() == 6)) {
    return readRecord(line, words);
  }
  if (words[0] != "end" || words.size() != 5) throw damaged();
  readEnd(line, words);
  return std::nullopt;
}

SnapshotReader::Record SnapshotReader::State::readRecord(const std::string& line,
                                                         const std::vector<std::string_view>& words) {
  size_t nameSize = sizeOf(words[1]);
  size_t contentSize = sizeOf(words[2]);
  std::string body = input.take(nameSize + contentSize + 1);
  if (body.size() != nameSize + contentSize + 1) throw damaged();
  digest.add(line + body);
  ++records;
  Sealing sealing = sealingOf(words[3]);
  if (words[0] == "part") return SnapshotPart{body.substr(0, nameSize), body.substr(nameSize, contentSize), sealing};
  auto entry = std::make_shared<Entry>();
  entry->key = body.substr(0, nameSize);
  entry->bytes = body.substr(nameSize, contentSize);
  entry->created = numberOf(words[4]);
  entry->modified = numberOf(words[5]);
  return SnapshotEntry{std::move(entry), sealing};
}

void SnapshotReader::State::readEnd(const std::string& line, const std::vector<std::string_view>& words) {
  digest.add(std::string_view(line).substr(0, line.size() - 1 - words[4].size()));
  if (words[4] != digest.hex() || !input.take(1).empty()) throw damaged();
  if (static_cast<size_t>(numberOf(words[3])) != records) throw damaged();
  end = {numberOf(words[1]), base::WallTime(std::chrono::milliseconds(numberOf(words[2])))};
}

SnapshotReader::SnapshotReader(std::string path) : state_(std::make_unique<State>(std::move(path))) {
  state_->readFirstLine();
}

SnapshotReader::~SnapshotReader() = default;

std::optional<SnapshotReader::Record> SnapshotReader::next() { return state_->next(); }

const SnapshotEnd& SnapshotReader::end() const { return state_->end; }

}  // namespace wherry::storage
