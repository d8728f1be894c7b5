#include "storage/table.h"

#include <map>
#include <random>

#include <gtest/gtest.h>

namespace wherry::storage {
namespace {

EntryPtr makeEntry(const std::string& key, Revision revision = 1) {
  auto entry = std::make_shared<Entry>();
  entry->key = key;
  entry->modified = revision;
  return entry;
}

Table makeTable(const std::vector<std::string>& keys) {
  TableEditor editor{Table()};
  for (const std::string& key : keys) editor.put(makeEntry(key));
  return editor.finish();
}

std::vector<std::string> keysFrom(const Table& table, std::string_view from) {
  std::vector<std::string> keys;
  table.walk(from, [&](const EntryPtr& entry) {
    keys.push_back(entry->key);
    return true;
  });
  return keys;
}

TEST(Table, AnEmptyTableHasNothing) {
  Table table;
  EXPECT_EQ(table.find("/a"), nullptr);
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(table.countPrefix("/"), 0u);
  EXPECT_TRUE(keysFrom(table, "").empty());
}

TEST(Table, WalksInOrderFromTheGivenKey) {
  Table table = makeTable({"/b", "/d", "/a", "/c"});
  EXPECT_EQ(keysFrom(table, ""), (std::vector<std::string>{"/a", "/b", "/c", "/d"}));
  EXPECT_EQ(keysFrom(table, "/b"), (std::vector<std::string>{"/b", "/c", "/d"}));
  EXPECT_EQ(keysFrom(table, "/bb"), (std::vector<std::string>{"/c", "/d"}));
}

TEST(Table, CountsKeysUnderAPrefix) {
  Table table = makeTable({"/pods/a/1", "/pods/a/2", "/pods/b/1", "/podsx/1", "/q\xff", "/q\xff\xff"});
  EXPECT_EQ(table.countPrefix("/pods/"), 3u);
  EXPECT_EQ(table.countPrefix("/pods/a/"), 2u);
  EXPECT_EQ(table.countPrefix("/q\xff"), 2u);
  EXPECT_EQ(table.countPrefix(""), 6u);
  EXPECT_EQ(table.countPrefix("/z"), 0u);
}

TEST(Table, AnEditLeavesTheVersionBeforeAsItWas) {
  Table before = makeTable({"/a", "/b"});
  TableEditor editor(before);
  editor.put(makeEntry("/c"));
  editor.put(makeEntry("/a", 7));
  editor.erase("/b");
  Table after = editor.finish();
  EXPECT_EQ(keysFrom(before, ""), (std::vector<std::string>{"/a", "/b"}));
  EXPECT_EQ(before.find("/a")->modified, 1);
  EXPECT_EQ(keysFrom(after, ""), (std::vector<std::string>{"/a", "/c"}));
  EXPECT_EQ(after.find("/a")->modified, 7);
}

using Model = std::map<std::string, Revision>;

void expectSame(const Table& table, const Model& model) {
  ASSERT_EQ(table.size(), model.size());
  auto expected = model.begin();
  size_t before = 0;
  table.walk("", [&](const EntryPtr& entry) {
    EXPECT_EQ(entry->key, expected->first);
    EXPECT_EQ(entry->modified, expected->second);
    EXPECT_EQ(table.find(entry->key), entry);
    EXPECT_EQ(table.countBefore(entry->key), before);
    ++expected;
    ++before;
    return !testing::Test::HasFailure();
  });
  EXPECT_EQ(before, model.size());
}

// Edits at random, more puts than erasures and then the other way round, down to nothing.
TEST(Table, BehavesLikeAMapThroughManyVersions) {
  std::mt19937 random(1);
  Table table;
  Model model;
  std::vector<std::pair<Table, Model>> versions;
  for (int version = 0; version < 80; ++version) {
    TableEditor editor(table);
    for (int i = 0; i < 200; ++i) {
      std::string key = "/" + std::to_string(random() % 4000);
      if (random() % 4 < (version < 40 ? 3u : 1u)) {
        editor.put(makeEntry(key, version));
        model[key] = version;
      } else {
        editor.erase(key);
        model.erase(key);
      }
    }
    table = editor.finish();
    versions.emplace_back(table, model);
  }
  for (const auto& [one, expected] : versions) expectSame(one, expected);
  TableEditor editor(table);
  for (const auto& [key, revision] : model) editor.erase(key);
  EXPECT_EQ(editor.finish().size(), 0u);
}

TEST(Table, TheEndOfAPrefixIsTheNextTextAfterIt) {
  EXPECT_EQ(prefixEnd("/pods/"), "/pods0");
  EXPECT_EQ(prefixEnd("a\xff"), "b");
  EXPECT_EQ(prefixEnd(""), "");
  EXPECT_EQ(prefixEnd("\xff"), "");
}

}  // namespace
}  // namespace wherry::storage
