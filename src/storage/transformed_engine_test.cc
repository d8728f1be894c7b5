#include "storage/transformed_engine.h"

#include <gtest/gtest.h>

#include "storage/sqlite_engine.h"
#include "storage/store_test_support.h"

namespace wherry::storage {
namespace {

// Writes texts backwards after "!"; reads nothing that holds "lost".
ValueTransformer backwards() {
  auto reversed = [](std::string_view text) { return std::string(text.rbegin(), text.rend()); };
  return {.toDisk = [=](std::string_view, std::string_view bytes) { return "!" + reversed(bytes); },
          .fromDisk = [=](std::string_view key, std::string_view bytes) -> std::optional<std::string> {
            if (key.ends_with("lost")) return std::nullopt;
            return reversed(bytes.substr(1));
          },
          .isUnread = [](std::string_view bytes) { return bytes.starts_with("!"); }};
}

std::unique_ptr<Store> openBackwards(const std::string& path) {
  return openStore({.path = path, .indexer = {}}, transformEngine(openSqliteEngine(path), backwards()));
}

std::vector<std::string> rowsOf(const std::string& path) {
  std::vector<std::string> rows;
  openSqliteEngine(path)->load([&](const Row& row) { rows.emplace_back(row.bytes); });
  return rows;
}

TEST(TransformedEngine, TheDiskHasOtherBytesThanMemory) {
  TemporaryDirectory directory;
  auto path = directory.file("db");
  {
    auto store = openBackwards(path);
    auto revision = create(*store, "/a", "plain").entry->modified;
    EXPECT_EQ(store->get("/a")->bytes, "plain@" + std::to_string(revision));
  }
  EXPECT_EQ(rowsOf(path), (std::vector<std::string>{"!2@nialp"}));
  EXPECT_EQ(openBackwards(path)->get("/a")->bytes, "plain@2");
}

TEST(TransformedEngine, ARowThatCantBeReadStaysAsItIs) {
  TemporaryDirectory directory;
  auto path = directory.file("db");
  {
    auto store = openBackwards(path);
    create(*store, "/lost", "x");
    create(*store, "/kept", "y");
  }
  auto before = rowsOf(path);
  {
    auto store = openBackwards(path);
    EXPECT_EQ(store->get("/lost")->bytes, "!2@x");
    EXPECT_EQ(store->get("/kept")->bytes, "y@3");
  }
  EXPECT_EQ(rowsOf(path), before);
}

}  // namespace
}  // namespace wherry::storage
