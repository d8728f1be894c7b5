// Reading OCI archives: a tar file of an OCI image layout. Safe from any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "json/value.h"
#include "kubelet/images/image.h"

namespace wherry::kubelet {

enum class ArchiveKind { kOci, kDocker, kNeither };
// Looks at the names in the archive; a newer `docker save` is both and counts as OCI.
ArchiveKind detectArchive(const std::string& file);

// Writes the archive's blobs into `blobDirectory` (files named by the hex digits of their SHA-256) and returns its
// index.json. Every other entry is ignored. Throws std::runtime_error when a blob isn't what its name says, or the
// index is missing.
json::Value extractOciArchive(const std::string& file, const std::string& blobDirectory);

// The name that an entry of index.json bears: containerd's annotation or the layout's own, completed. Pure.
std::optional<std::string> archivedName(const Descriptor& descriptor);

// The names in a Docker archive's manifest.json.
std::vector<std::string> dockerArchiveNames(const std::string& file);

}  // namespace wherry::kubelet
