#include "apiserver/rewriting.h"

#include <future>

#include "apiserver/stored_form.h"
#include "apiserver/unreadable.h"

namespace wherry::apiserver {
namespace {

constexpr size_t kPage = 500;  // objects under way at once: they share a commit

using Answers = std::vector<std::future<storage::Committed>>;

std::future<storage::Committed> rewrite(storage::Store& store, const storage::EntryPtr& entry) {
  auto answer = std::make_shared<std::promise<storage::Committed>>();
  auto future = answer->get_future();
  store.update(
      entry->key, entry->modified, [entry](storage::Revision revision) { return withRevision(entry->bytes, revision); },
      [answer](storage::Committed committed) { answer->set_value(std::move(committed)); });
  return future;
}

void await(Answers answers, Rewritten& result) {
  for (auto& answer : answers) {
    auto committed = answer.get();
    if (committed.ok()) ++result.written;
    if (committed.error == storage::WriteError::kRefused) result.failure = committed.message;
  }
}

}  // namespace

Rewritten rewriteEncrypted(storage::Store& store, const EncryptionConfiguration& configuration) {
  Rewritten result;
  for (std::string after;;) {
    auto page = store.list("/registry/", after, kPage, 0).page;
    Answers answers;
    for (const auto& entry : page.entries) {
      if (!findEncryption(configuration, entry->key)) continue;
      if (isReadable(entry->bytes)) {
        answers.push_back(rewrite(store, entry));
      } else {
        result.unreadable.push_back(entry->key);
      }
    }
    await(std::move(answers), result);
    if (!page.more || !result.failure.empty()) return result;
    after = page.entries.back()->key;
  }
}

}  // namespace wherry::apiserver
