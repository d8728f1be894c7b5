// Tries what pods and Services need of the kernel, in namespaces that are gone afterwards; nothing of the machine
// changes. For root.
#pragma once

#include <string>
#include <vector>

#include "main/machine_facts.h"

namespace wherry::main {

// `directory` exists: pods' file systems will lie below it.
std::vector<Trial> tryKernel(const std::string& directory);

}  // namespace wherry::main
