// Field selectors: which fields a kind can be selected by, and what they are in a stored object. Pure.
#pragma once

#include <string>
#include <string_view>

#include "meta/selector.h"
#include "meta/status.h"
#include "schema/kind.h"
#include "storage/store.h"

namespace wherry::apiserver {

// Throws BadRequest ("field label not supported: spec.color") for a field that the kind can't be selected by.
void requireSelectable(const schema::Kind& kind, const meta::FieldSelector& selector);

// `prefix` is the resource's (stored_form.h): name and namespace are read from the key, the rest from the bytes.
bool matchesFields(const schema::Kind& kind, const meta::FieldSelector& selector, std::string_view prefix,
                   const storage::Entry& entry);

bool matchesLabels(const meta::LabelSelector& selector, const storage::Entry& entry);

}  // namespace wherry::apiserver
