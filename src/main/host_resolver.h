// `--resolve-on-host`: programs on the node itself find the cluster's names too. The cluster DNS, which asks the node's
// other resolvers for all other names, becomes the first name server in /etc/resolv.conf, in lines that are marked as
// ours; what was there stays as it was. Where systemd-resolved owns that file, its drop-in
// /etc/systemd/resolved.conf.d/wherry.conf sends it the names of the cluster alone.
#pragma once

#include <string>
#include <string_view>

namespace wherry::main {

// The file with our lines at its beginning; the same once more when they are there. Pure.
std::string withClusterDns(std::string_view resolvConf, const std::string& address);
// As it was before, byte for byte. Pure.
std::string withoutClusterDns(std::string_view resolvConf);
std::string renderResolvedDropIn(const std::string& address, const std::string& domain);  // pure

// Throws std::system_error.
void resolveOnHost(const std::string& address, const std::string& domain);
// Also what a server left that was killed; nothing happens when nothing is there.
void stopResolvingOnHost();

}  // namespace wherry::main
