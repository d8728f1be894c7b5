// The informer handlers that controllers share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/informer.h"
#include "meta/selector.h"

namespace wherry::controllers {

// Calls f with what was there and with what is there now: their labels or owners may differ.
template <typename F>
client::InformerHandler onEither(F f) {
  return {.onChange =
              [f](const meta::ObjectPtr& before, const meta::ObjectPtr& after) {
                if (before) f(*before);
                if (after) f(*after);
              },
          .onSynced = {},
          .onRevision = {}};
}

// Calls f with the pointer to what is there now or, when it is gone, was there last.
template <typename F>
client::InformerHandler onLatest(F f) {
  return {.onChange = [f](const meta::ObjectPtr& before, const meta::ObjectPtr& after) { f(after ? after : before); },
          .onSynced = {},
          .onRevision = {}};
}

meta::LabelSelector selectorOf(const meta::Object& owner);  // spec.selector, also where it is a plain map

// The keys of those that have to hear of a change of `owned`: its controller, if it is of that kind; for an orphan, all
// of `owners` that would adopt it.
std::vector<std::string> ownersToTell(const meta::Object& owned, std::string_view kind, const client::Informer& owners);

}  // namespace wherry::controllers
