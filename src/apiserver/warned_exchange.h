// An exchange whose answer, whichever it becomes, carries a warning: how the use of a deprecated kind is answered.
#pragma once

#include <string>

#include "net/server.h"

namespace wherry::apiserver {

net::ExchangePtr withWarning(net::ExchangePtr exchange, std::string warning);

}  // namespace wherry::apiserver
