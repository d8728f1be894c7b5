// The in-process client's watch.
#pragma once

#include <memory>
#include <string_view>

#include "apiserver/backend.h"
#include "apiserver/list_options.h"
#include "client/client.h"
#include "schema/kind.h"

namespace wherry::apiserver {

std::unique_ptr<client::Watch> newLocalWatch(const Backend& backend, schema::KindPtr kind, std::string_view ns,
                                             ListOptions options);

}  // namespace wherry::apiserver
