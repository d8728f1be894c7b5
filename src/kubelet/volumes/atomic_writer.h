// Writes a volume's files so that a container sees either all the old ones or all the new ones: the files are links
// into a directory that is swapped by one rename of the link "..data", as Kubernetes does it.
#pragma once

#include <optional>
#include <string>

#include <sys/types.h>

#include "kubelet/volumes/payload.h"

namespace wherry::kubelet {

// Makes `directory` show `payload` exactly; what it shows already is left alone (false). Files belong to `group` when
// one is given. Throws std::system_error.
bool writePayload(const std::string& directory, const Payload& payload, std::optional<gid_t> group = std::nullopt);

}  // namespace wherry::kubelet
