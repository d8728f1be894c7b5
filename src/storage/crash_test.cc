// kill -9 at any instant: every acknowledged write is there, no revision comes twice. It kills 15 times, or as often as
// WHERRY_KILLS says: `TMPDIR=/dev/shm WHERRY_KILLS=10000 storage_test --gtest_filter='Crash.*'`.
#include <map>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/random.h"
#include "base/strings.h"
#include "storage/store.h"
#include "storage/store_test_support.h"

namespace wherry::storage {
namespace {

constexpr int kUsualKills = 15;
constexpr int kWriters = 4;

StoreOptions optionsAt(const std::string& path) { return {.path = path, .volatilePrefixes = {"/registry/events/"}}; }

// Writes to the pipe "key bytes revision\n" of each acknowledged write. Each writer has keys of its own, and a line is
// shorter than PIPE_BUF: lines don't mix.
void writeForEver(Store& store, int writer, int acknowledged) {
  for (int i = 0;; ++i) {
    std::string prefix = i % 5 == 0 ? "/registry/events" : "/registry/pods";
    std::string key = fmt::format("{}/writer-{}/{}", prefix, writer, i % 17);
    EntryPtr entry = store.newest(key);
    Committed committed = !entry       ? create(store, key)
                          : i % 3 == 0 ? remove(store, key, entry->modified)
                                       : update(store, key, entry->modified);
    if (!committed.ok()) _exit(3);
    std::string line = fmt::format("{} {} {}\n", key, committed.entry->bytes, committed.entry->modified);
    base::writeAll(acknowledged, line, "pipe");
  }
}

[[noreturn]] void runWriters(const std::string& path, int acknowledged) {
  auto store = openSqliteStore(optionsAt(path));
  std::vector<std::thread> writers;
  for (int i = 0; i < kWriters; ++i) writers.emplace_back([&, i] { writeForEver(*store, i, acknowledged); });
  for (std::thread& writer : writers) writer.join();
  _exit(0);
}

int wantedKills() {
  const char* text = ::getenv("WHERRY_KILLS");
  return text ? base::parseInt<int>(text).value_or(kUsualKills) : kUsualKills;
}

// Reads lines until `lines` have come and the child was killed; with 0 it dies while it opens the store, or soon after.
std::string readAcknowledgements(int fd, pid_t child, size_t lines) {
  std::string text;
  char buffer[4096];
  bool killed = false;
  if (lines == 0) {
    ::usleep(base::randomBelow(20'000));
    killed = ::kill(child, SIGKILL) == 0;
  }
  for (ssize_t size; (size = ::read(fd, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, size);
    if (!killed && std::count(text.begin(), text.end(), '\n') >= static_cast<ptrdiff_t>(lines)) {
      killed = ::kill(child, SIGKILL) == 0;
    }
  }
  return text;
}

std::string runAndKill(const std::string& path, size_t afterWrites) {
  base::Pipe pipe = base::makePipe();
  pid_t child = ::fork();
  if (child == 0) runWriters(path, pipe.write.get());
  pipe.write.reset();
  std::string text = readAcknowledgements(pipe.read.get(), child, afterWrites);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << status;
  return text;
}

// What clients were told: by key, the last acknowledged bytes; and the highest revision.
struct Told {
  std::map<std::string, std::string> bytes;
  Revision highest = 0;
  size_t writes = 0;

  void addAll(const std::string& lines) {
    Revision before = highest;
    for (std::string_view line : base::split(base::trim(lines), '\n')) {
      if (line.empty()) continue;  // it died before it wrote
      ++writes;
      auto fields = base::split(line, ' ');
      Revision revision = *base::parseInt<Revision>(fields[2]);
      EXPECT_GT(revision, before) << "a revision of an earlier run came again";
      highest = std::max(highest, revision);
      if (fields[0].starts_with("/registry/pods/")) bytes[std::string(fields[0])] = fields[1];
    }
  }
};

Revision revisionIn(std::string_view bytes) { return *base::parseInt<Revision>(bytes.substr(bytes.find('@') + 1)); }

// The write after the last acknowledged one may have been done or not.
void checkEverythingIsThere(const Store& store, const Told& told) {
  EXPECT_GE(store.revision(), told.highest);
  for (const auto& [key, bytes] : told.bytes) {
    EntryPtr entry = store.get(key);
    bool sameOrNewer = entry ? entry->bytes == bytes || entry->modified > revisionIn(bytes) : true;
    EXPECT_TRUE(sameOrNewer) << key << " " << bytes;
  }
  EXPECT_EQ(store.count("/registry/events/"), 0u);
}

TEST(Crash, LosesNothingThatWasAcknowledgedAndRepeatsNoRevision) {
  TemporaryDirectory directory;
  std::string path = directory.file("state.db");
  Told told;
  int kills = wantedKills();
  for (int i = 0; i < kills && !HasFailure(); ++i) {
    told.addAll(runAndKill(path, i % 8 == 0 ? 0 : base::randomBelow(kills > kUsualKills ? 50 : 500)));
    checkEverythingIsThere(*openSqliteStore(optionsAt(path)), told);
  }
  RecordProperty("kills", kills);
  RecordProperty("acknowledged", static_cast<int>(told.writes));
  if (kills > kUsualKills) fmt::print("{} kills, {} acknowledged writes\n", kills, told.writes);
}

}  // namespace
}  // namespace wherry::storage
