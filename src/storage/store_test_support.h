// What the tests of this folder share: directories that go away, writes that are waited for, events as text.
#pragma once

#include <filesystem>
#include <future>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "storage/store.h"

namespace wherry::storage {

class TemporaryDirectory {
 public:
  TemporaryDirectory() : path_((std::filesystem::temp_directory_path() / "store-test-XXXXXX").string()) {
    if (!::mkdtemp(path_.data())) std::abort();
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Stores "text@revision", as objects hold their resourceVersion.
inline Render withRevision(std::string text) {
  return [text = std::move(text)](Revision revision) { return fmt::format("{}@{}", text, revision); };
}

// Calls start(done) and waits for done.
template <typename Start>
Committed wait(Start start) {
  std::promise<Committed> promise;
  start([&](Committed committed) { promise.set_value(std::move(committed)); });
  return promise.get_future().get();
}

inline Committed create(Store& store, const std::string& key, const std::string& text = "new") {
  return wait([&](OnCommitted done) { store.create(key, withRevision(text), std::move(done)); });
}
inline Committed update(Store& store, const std::string& key, Revision expected, const std::string& text = "changed") {
  return wait([&](OnCommitted done) { store.update(key, expected, withRevision(text), std::move(done)); });
}
inline Committed remove(Store& store, const std::string& key, Revision expected) {
  return wait([&](OnCommitted done) { store.remove(key, expected, withRevision("gone"), std::move(done)); });
}

inline Entry makeEntry(const std::string& key, const std::string& bytes, Revision created, Revision modified) {
  Entry entry;
  entry.key = key;
  entry.bytes = bytes;
  entry.created = created;
  entry.modified = modified;
  return entry;
}

// "ADDED /registry/pods/a new@2"
inline std::string renderEvent(const Event& event) {
  static constexpr const char* kNames[] = {"ADDED", "MODIFIED", "DELETED", "BOOKMARK"};
  return fmt::format("{} {} {}", kNames[static_cast<int>(event.type)], event.entry->key, event.entry->bytes);
}

inline std::vector<std::string> renderEvents(const std::vector<Event>& events) {
  std::vector<std::string> texts;
  for (const Event& event : events) texts.push_back(renderEvent(event));
  return texts;
}

inline std::vector<std::string> bytesOf(const Page& page) {
  std::vector<std::string> texts;
  for (const EntryPtr& entry : page.entries) texts.push_back(entry->bytes);
  return texts;
}

inline std::string errorName(WriteError error) {
  static constexpr const char* kNames[] = {"none", "exists", "missing", "conflict", "refused"};
  return kNames[static_cast<int>(error)];
}

}  // namespace wherry::storage
