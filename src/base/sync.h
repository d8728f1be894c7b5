// What has been written survives a power cut once these return. All throw std::system_error.
#pragma once

#include <string>

namespace wherry::base {

// The names in a directory; not what is in the files.
void syncDirectory(const std::string& path);

// Everything on the file system that the directory is on.
void syncFilesystem(const std::string& directory);

}  // namespace wherry::base
