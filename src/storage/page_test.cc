#include "storage/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/store_test_support.h"

namespace wherry::storage {
namespace {

EntryPtr entryPtr(const std::string& key, const std::string& bytes) {
  return std::make_shared<Entry>(makeEntry(key, bytes, 1, 1));
}

// The table has /a/1 ... /a/4 and /b/1, all "now". `undo`: key -> bytes then; "-" for a key that was not there.
Page pageOf(const std::map<std::string, std::string>& undo, const PageRequest& request) {
  TableEditor editor{Table()};
  for (const char* key : {"/a/1", "/a/2", "/a/3", "/a/4", "/b/1"}) editor.put(entryPtr(key, "now"));
  Undo then;
  for (const auto& [key, bytes] : undo) then[key] = bytes == "-" ? nullptr : entryPtr(key, bytes);
  return makePage(editor.finish(), then, request);
}

std::string render(const Page& page) {
  std::string text;
  for (const EntryPtr& entry : page.entries) text += entry->key + "=" + entry->bytes + " ";
  return text + fmt::format("+{}", page.remaining);
}

TEST(Page, IsOfTheStateThatWasAskedFor) {
  struct Case {
    const char* name;
    std::map<std::string, std::string> undo;
    PageRequest request;
    const char* page;
  } cases[] = {
      {"the present, no limit", {}, {"/a/", "", 0}, "/a/1=now /a/2=now /a/3=now /a/4=now +0"},
      {"the first page", {}, {"/a/", "", 3}, "/a/1=now /a/2=now /a/3=now +1"},
      {"the last page, exactly full", {}, {"/a/", "/a/2", 2}, "/a/3=now /a/4=now +0"},
      {"after a key that is gone", {}, {"/a/", "/a/25", 1}, "/a/3=now +1"},
      {"after the last key", {}, {"/a/", "/a/9", 5}, "+0"},
      {"after a key before the prefix", {}, {"/b/", "/a/2", 5}, "/b/1=now +0"},
      {"all prefixes", {}, {"", "", 4}, "/a/1=now /a/2=now /a/3=now /a/4=now +1"},
      {"a prefix without keys", {}, {"/c/", "", 5}, "+0"},
      {"a key that was other", {{"/a/2", "then"}}, {"/a/", "", 2}, "/a/1=now /a/2=then +2"},
      {"a key that was not there yet", {{"/a/1", "-"}}, {"/a/", "", 2}, "/a/2=now /a/3=now +1"},
      {"a key that was removed since", {{"/a/15", "then"}}, {"/a/", "", 2}, "/a/1=now /a/15=then +3"},
      {"removed since, after all others",
       {{"/a/9", "then"}},
       {"/a/", "", 0},
       "/a/1=now /a/2=now /a/3=now /a/4=now /a/9=then +0"},
      {"removed since, on the next page", {{"/a/9", "then"}}, {"/a/", "", 4}, "/a/1=now /a/2=now /a/3=now /a/4=now +1"},
      {"removed since, before the page", {{"/a/15", "then"}}, {"/a/", "/a/2", 1}, "/a/3=now +1"},
      {"nothing was there", {{"/b/1", "-"}}, {"/b/", "", 5}, "+0"},
      {"not there yet, on the next page", {{"/a/4", "-"}}, {"/a/", "", 3}, "/a/1=now /a/2=now /a/3=now +0"},
  };
  for (const Case& one : cases) {
    Page page = pageOf(one.undo, one.request);
    EXPECT_EQ(render(page), one.page) << one.name;
    EXPECT_EQ(page.more, page.remaining > 0) << one.name;
  }
}

TEST(Page, TheFirstEventOfAKeyKnowsTheEarlierState) {
  EntryPtr first = entryPtr("/a", "first");
  EntryPtr second = entryPtr("/a", "second");
  EntryPtr third = entryPtr("/a", "third");
  Undo undo;
  addUndo(undo, {EventType::kModified, 5, second, first});
  addUndo(undo, {EventType::kModified, 6, third, second});
  addUndo(undo, {EventType::kAdded, 7, entryPtr("/b", "new"), nullptr});
  EXPECT_EQ(undo["/a"], first);
  EXPECT_EQ(undo["/b"], nullptr);
}

}  // namespace
}  // namespace wherry::storage
