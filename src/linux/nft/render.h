// Tables as text, the way `nft list table` shows them: for tests and for people. Pure.
#pragma once

#include <string>

#include "linux/nft/ruleset.h"

namespace wherry::linux::nft {

// Elements in the order of their bytes, one a line.
std::string renderTable(const Table& table);
std::string renderRule(const Rule& rule, IpFamily family = IpFamily::kIPv4);
std::string renderStatement(const Statement& statement, IpFamily family = IpFamily::kIPv4);
std::string renderData(const Type& type, const Data& data);  // "10.96.0.1 . tcp . 80"

}  // namespace wherry::linux::nft
