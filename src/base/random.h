// Random bytes from the kernel, and the identifiers made of them. Safe from any thread.
#pragma once

#include <cstdint>
#include <string>

namespace wherry::base {

std::string randomBytes(size_t count);
uint32_t randomBelow(uint32_t bound);  // uniform in [0, bound)

std::string newUuid();  // RFC 9562 version 4, lower case

// The suffix that generateName gets: letters and digits without those that could spell a word.
std::string randomSuffix(size_t length = 5);

}  // namespace wherry::base
