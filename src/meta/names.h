// The syntax rules for names, labels and the like. Each function returns what is wrong with `text`, in Kubernetes'
// words; nothing when it is right. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wherry::meta {

std::vector<std::string> checkDns1123Label(std::string_view text);      // RFC 1123: namespaces, containers
std::vector<std::string> checkDns1123Subdomain(std::string_view text);  // most object names
std::vector<std::string> checkDns1035Label(std::string_view text);      // RFC 1035: Services
std::vector<std::string> checkPathSegment(std::string_view text);       // RBAC names
std::vector<std::string> checkQualifiedName(std::string_view text);     // keys of labels, annotations, finalizers
std::vector<std::string> checkLabelValue(std::string_view text);
std::vector<std::string> checkIp(std::string_view text);
std::vector<std::string> checkPortName(std::string_view text);  // RFC 6335 service name (15 characters)
std::vector<std::string> checkEnvName(std::string_view text);
std::vector<std::string> checkConfigMapKey(std::string_view text);

}  // namespace wherry::meta
