#include "apiserver/unreadable.h"

#include <fmt/format.h>

#include "meta/status.h"

namespace wherry::apiserver {

const storage::EntryPtr& requireReadable(const storage::EntryPtr& entry) {
  if (isReadable(entry->bytes)) return entry;
  throw meta::internalError(
      fmt::format("unable to transform key \"{}\": no key of the encryption configuration decrypts it", entry->key));
}

}  // namespace wherry::apiserver
