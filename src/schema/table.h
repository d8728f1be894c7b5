// Tables, as `kubectl get` asks for them (meta.k8s.io/v1 Table). Pure: the time is an argument.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "json/value.h"
#include "schema/kind.h"

namespace wherry::schema {

enum class IncludeObject { kNone, kMetadata, kObject };
enum class TableHeaders { kYes, kNo };  // a watch sends the column definitions only once

// Rows for these objects (full objects, with TypeMeta), cells as the kind's columns say. `tableVersion` is "v1" or
// "v1beta1".
json::Value renderTable(const Kind& kind, std::span<const json::Value* const> objects, const json::Object& listMetadata,
                        IncludeObject include, std::string_view tableVersion, base::WallTime now, TableHeaders headers);

}  // namespace wherry::schema
