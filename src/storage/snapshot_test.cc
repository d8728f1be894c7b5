// A snapshot comes back as it was, or not at all.
#include "storage/snapshot.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "storage/restored_database.h"
#include "storage/store_test_support.h"

namespace wherry::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const SnapshotEnd kEnd{7, base::WallTime(std::chrono::milliseconds(1'700'000'000'123))};

void writeExample(const std::string& path) {
  SnapshotWriter writer(path);
  writer.add({"pki/ca.key", "secret\n"});
  writer.add({"empty", "", Sealing::kSealed});
  writer.add(makeEntry("/registry/pods/a", "", 3, 5), std::string("zero\0", 5), Sealing::kPlain);
  writer.add(makeEntry("/registry/pods/b", "", 4, 4), "end 1 2 3 x\n", Sealing::kUnread);
  writer.finish(kEnd);
}

std::string renderRecord(const SnapshotReader::Record& record) {
  static constexpr const char* kSealings[] = {"plain", "sealed", "unread"};
  if (const auto* part = std::get_if<SnapshotPart>(&record)) {
    return fmt::format("{} {}: {}", part->name, kSealings[static_cast<int>(part->sealing)], part->content);
  }
  const auto& [entry, sealing] = std::get<SnapshotEntry>(record);
  return fmt::format("{} {} {} {}: {}", entry->key, kSealings[static_cast<int>(sealing)], entry->created,
                     entry->modified, entry->bytes);
}

std::vector<std::string> recordsOf(SnapshotReader& reader) {
  std::vector<std::string> texts;
  while (auto record = reader.next()) texts.push_back(renderRecord(*record));
  return texts;
}

// Why the file of this text is refused.
std::string refusalOf(const TemporaryDirectory& directory, const std::string& text) {
  std::string path = directory.file("refused");
  base::writeFileAtomic(path, text);
  try {
    SnapshotReader reader(path);
    recordsOf(reader);
  } catch (const SnapshotError& error) {
    EXPECT_TRUE(std::string_view(error.what()).starts_with(path + " ")) << error.what();
    return error.what();
  }
  return "whole";
}

TEST(Snapshot, ReadsBackWhatWasWritten) {
  TemporaryDirectory directory;
  writeExample(directory.file("snapshot"));
  SnapshotReader reader(directory.file("snapshot"));
  EXPECT_THAT(recordsOf(reader), ElementsAre("pki/ca.key plain: secret\n", "empty sealed: ",
                                             "/registry/pods/a plain 3 5: " + std::string("zero\0", 5),
                                             "/registry/pods/b unread 4 4: end 1 2 3 x\n"));
  EXPECT_EQ(reader.end().revision, 7);
  EXPECT_EQ(reader.end().saved, kEnd.saved);
}

TEST(Snapshot, RecordsThatAreLargerThanWhatIsReadAtOnceComeBack) {
  TemporaryDirectory directory;
  std::string path = directory.file("snapshot");
  const std::string large(3 << 20, 'x');
  {
    SnapshotWriter writer(path);
    for (int i = 0; i < 3; ++i) writer.add(makeEntry("/registry/pods/a", "", 1, 1), large, Sealing::kPlain);
    writer.finish(kEnd);
  }
  SnapshotReader reader(path);
  int count = 0;
  for (; auto record = reader.next(); ++count) EXPECT_EQ(std::get<SnapshotEntry>(*record).entry->bytes, large);
  EXPECT_EQ(count, 3);
}

TEST(Snapshot, IsRefusedWhereverItWasCut) {
  TemporaryDirectory directory;
  writeExample(directory.file("snapshot"));
  const std::string whole = base::readFile(directory.file("snapshot"));
  ASSERT_EQ(refusalOf(directory, whole), "whole");
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(refusalOf(directory, whole.substr(0, size)), "whole") << size;
  }
}

TEST(Snapshot, IsRefusedWithAnyBitAltered) {
  TemporaryDirectory directory;
  writeExample(directory.file("snapshot"));
  const std::string whole = base::readFile(directory.file("snapshot"));
  for (size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string altered = whole;
    altered[bit / 8] = static_cast<char>(altered[bit / 8] ^ (1 << bit % 8));
    EXPECT_NE(refusalOf(directory, altered), "whole") << bit;
  }
}

TEST(Snapshot, SaysWhatIsWrongWithAFile) {
  TemporaryDirectory directory;
  writeExample(directory.file("snapshot"));
  struct Case {
    const char* name;
    std::string text;
    const char* error;
  } cases[] = {
      {"another file", "SQLite format 3", "is no snapshot"},
      {"an empty file", "", "is no snapshot"},
      {"a newer version's", "wherry snapshot 2\n", "was written by a newer version"},
      {"no end", "wherry snapshot 1\n", "is damaged"},
      {"lines without an end", "wherry snapshot 1\n" + std::string(100'000, 'x'), "is damaged"},
      {"sizes beyond the end", "wherry snapshot 1\npart 1000 1000 plain\n", "is damaged"},
      {"sizes beyond all measure", "wherry snapshot 1\npart 9223372036854775807 9223372036854775807 plain\n",
       "is damaged"},
      {"something behind its end", base::readFile(directory.file("snapshot")) + "x", "is damaged"},
  };
  for (const Case& one : cases) {
    EXPECT_THAT(refusalOf(directory, one.text), HasSubstr(one.error)) << one.name;
  }
  EXPECT_THROW(SnapshotReader(directory.file("missing")), std::system_error);
}

TEST(Snapshot, TheFileIsTheOwnersOnlyAndReplacesAFormerOneWhole) {
  TemporaryDirectory directory;
  std::string path = directory.file("snapshot");
  base::writeFileAtomic(path, "former", 0644);
  {
    SnapshotWriter abandoned(path);
    abandoned.add({"part", "content"});
  }
  EXPECT_EQ(base::readFile(path), "former");
  writeExample(path);
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  SnapshotReader reader(path);
  EXPECT_EQ(recordsOf(reader).size(), 4u);
  int files = 0;
  for (const auto& file : std::filesystem::directory_iterator(directory.file(""))) files += file.exists() ? 1 : 0;
  EXPECT_EQ(files, 1) << "nothing is left beside it";
}

TEST(RestoredDatabase, GoesOnFarAboveWhatWasGiven) {
  TemporaryDirectory directory;
  std::string path = directory.file("state.db");
  const std::string large(3 << 20, 'x');
  {
    RestoredDatabase database(path);
    for (int i = 0; i < 3; ++i) {
      auto key = fmt::format("/registry/pods/{}", i);
      database.add(std::make_shared<Entry>(makeEntry(key, fmt::format("{}{}", i, large), 3 + i, 10 - i)));
    }
    database.finish(5000);
  }
  auto store = openSqliteStore({.path = path});
  EXPECT_THAT(bytesOf(store->list("/", "", 0, 0).page), ElementsAre("0" + large, "1" + large, "2" + large));
  EXPECT_EQ(store->get("/registry/pods/1")->created, 4);
  EXPECT_EQ(store->get("/registry/pods/1")->modified, 9);
  EXPECT_EQ(create(*store, "/registry/pods/c").entry->modified, 5001);
  EXPECT_EQ(store->watch("/registry/", 11, nullptr), nullptr) << "who watched the former store has to list anew";
  EXPECT_THROW(RestoredDatabase{path}, OpenError);
}

TEST(RestoredDatabase, NoTwoRestoresOfASnapshotGiveTheSameRevisions) {
  const SnapshotEnd end{500, base::WallTime(std::chrono::hours(24))};
  auto markAfter = [&](std::chrono::milliseconds later) { return markAfterRestore(end, end.saved + later); };
  EXPECT_EQ(markAfter(std::chrono::milliseconds(0)), 1'000'000'500);
  EXPECT_EQ(markAfter(std::chrono::hours(-1)), 1'000'000'500) << "the clock was wrong";
  Revision inASecond = markAfter(std::chrono::seconds(11)) - markAfter(std::chrono::seconds(10));
  EXPECT_GE(inASecond, 100'000) << "more than a server gives meanwhile";
}

}  // namespace
}  // namespace wherry::storage
