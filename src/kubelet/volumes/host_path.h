// hostPath volumes: checks a path of the node against the volume's type, or makes it.
#pragma once

#include <string>
#include <string_view>

namespace wherry::kubelet {

// `type` as in hostPath.type: "", DirectoryOrCreate, Directory, FileOrCreate, File, Socket, CharDevice, BlockDevice.
// Throws std::runtime_error: "hostPath type check failed: /x is not a directory".
void ensureHostPath(const std::string& path, std::string_view type);

}  // namespace wherry::kubelet
