#include "kubelet/pods/dns_config.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"

namespace wherry::kubelet {
namespace {

constexpr size_t kMaxNameservers = 3;
constexpr size_t kMaxSearches = 32;
constexpr size_t kMaxLabel = 63;

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> out;
  for (size_t at = line.find_first_not_of(" \t"); at != std::string_view::npos;
       at = line.find_first_not_of(" \t", at)) {
    size_t end = std::min(line.find_first_of(" \t\r", at), line.size());
    out.push_back(line.substr(at, end - at));
    at = end;
  }
  return out;
}

void addUnique(std::vector<std::string>& list, std::string_view item) {
  if (std::find(list.begin(), list.end(), item) == list.end()) list.emplace_back(item);
}

// An option given by dnsConfig replaces one of the same name.
void setOption(std::vector<std::string>& options, std::string_view name, std::string_view value) {
  std::erase_if(options, [&](const std::string& option) { return base::split(option, ':')[0] == name; });
  options.push_back(value.empty() ? std::string(name) : fmt::format("{}:{}", name, value));
}

ResolvConf clusterFirst(const core_v1::Pod& pod, const ClusterDns& cluster, const ResolvConf& node) {
  ResolvConf conf;
  conf.nameservers = {cluster.address};
  conf.searches = {fmt::format("{}.svc.{}", pod.metadata().ns(), cluster.domain), "svc." + cluster.domain,
                   cluster.domain};
  for (const std::string& domain : node.searches) addUnique(conf.searches, domain);
  conf.options = {"ndots:5"};
  return conf;
}

ResolvConf byPolicy(const core_v1::Pod& pod, const ClusterDns& cluster, const ResolvConf& node) {
  std::string_view policy = pod.spec().dnsPolicy();
  if (policy == "None") return {};
  // ClusterFirst on the host network means the node's, for want of "WithHostNet".
  bool nodes = policy == "Default" || (pod.spec().hostNetwork() && policy != "ClusterFirstWithHostNet");
  return nodes ? node : clusterFirst(pod, cluster, node);
}

std::string domainOf(const core_v1::Pod& pod, std::string_view clusterDomain) {
  if (pod.spec().subdomain().empty()) return {};
  return fmt::format("{}.{}.svc.{}", pod.spec().subdomain(), pod.metadata().ns(), clusterDomain);
}

std::string shortHostname(const core_v1::Pod& pod) {
  std::string name(pod.spec().hostname().empty() ? pod.metadata().name() : pod.spec().hostname());
  name.resize(std::min(name.size(), kMaxLabel));
  while (!name.empty() && (name.back() == '-' || name.back() == '.')) name.pop_back();
  return name;
}

std::string renderAliases(const core_v1::Pod& pod) {
  if (pod.spec().hostAliases().empty()) return {};
  std::string out = "\n# Entries added by HostAliases.\n";
  for (auto alias : pod.spec().hostAliases()) {
    out += alias.ip();
    for (std::string_view hostname : alias.hostnames()) out += "\t" + std::string(hostname);
    out += "\n";
  }
  return out;
}

}  // namespace

ResolvConf parseResolvConf(std::string_view text) {
  ResolvConf conf;
  for (std::string_view line : base::split(text, '\n')) {
    auto fields = words(line);
    if (fields.size() < 2) continue;
    if (fields[0] == "nameserver") conf.nameservers.emplace_back(fields[1]);
    if (fields[0] == "search") conf.searches.assign(fields.begin() + 1, fields.end());
    if (fields[0] == "options") conf.options.assign(fields.begin() + 1, fields.end());
  }
  std::erase(conf.searches, ".");
  return conf;
}

std::string renderResolvConf(const ResolvConf& conf) {
  std::string out;
  if (!conf.searches.empty()) out += "search " + base::join(conf.searches, " ") + "\n";
  for (const std::string& server : conf.nameservers) out += "nameserver " + server + "\n";
  if (!conf.options.empty()) out += "options " + base::join(conf.options, " ") + "\n";
  return out;
}

ResolvConf podResolvConf(const core_v1::Pod& pod, const ClusterDns& cluster, const ResolvConf& node) {
  ResolvConf conf = byPolicy(pod, cluster, node);
  auto extra = pod.spec().dnsConfig();
  for (std::string_view server : extra.nameservers()) addUnique(conf.nameservers, server);
  for (std::string_view domain : extra.searches()) addUnique(conf.searches, domain);
  for (auto option : extra.options()) setOption(conf.options, option.name(), option.value());
  conf.nameservers.resize(std::min(conf.nameservers.size(), kMaxNameservers));
  conf.searches.resize(std::min(conf.searches.size(), kMaxSearches));
  return conf;
}

std::string podHostname(const core_v1::Pod& pod, std::string_view clusterDomain) {
  std::string name = shortHostname(pod), domain = domainOf(pod, clusterDomain);
  bool full = pod.spec().setHostnameAsFQDN() && !domain.empty();
  return full ? name + "." + domain : name;
}

std::string renderHosts(const core_v1::Pod& pod, std::string_view podIp, std::string_view clusterDomain,
                        std::string_view nodeHosts) {
  if (pod.spec().hostNetwork()) {
    return "# Kubernetes-managed hosts file (host network).\n" + std::string(nodeHosts) + renderAliases(pod);
  }
  std::string names = shortHostname(pod), domain = domainOf(pod, clusterDomain);
  if (!domain.empty()) names = names + "." + domain + "\t" + names;
  std::string own;
  for (std::string_view ip : base::split(podIp, ',')) own += fmt::format("{}\t{}\n", ip, names);
  return "# Kubernetes-managed hosts file.\n"
         "127.0.0.1\tlocalhost\n"
         "::1\tlocalhost ip6-localhost ip6-loopback\n"
         "fe00::0\tip6-localnet\n"
         "fe00::0\tip6-mcastprefix\n"
         "fe00::1\tip6-allnodes\n"
         "fe00::2\tip6-allrouters\n" +
         own + renderAliases(pod);
}

}  // namespace wherry::kubelet
