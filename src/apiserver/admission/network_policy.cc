// NetworkPolicies: what they speak about, and peers and ports that can be told apart.
#include "apiserver/admission/addresses.h"
#include "apiserver/admission/fields.h"
#include "apiserver/admission/hooks.h"
#include "meta/names.h"

namespace wherry::apiserver {
namespace {

void checkPort(const json::Value& each, const std::string& path, meta::FieldErrors& errors) {
  const json::Value *port = json::find(each, "port"), *end = json::find(each, "endPort");
  if (port && port->is_string()) {
    addInvalid(path + ".port", *port, meta::checkPortName(textOf(*port)), errors);
    if (end)
      errors.push_back(meta::forbiddenField(path + ".endPort", "may not be specified when `port` is non-numeric"));
    return;
  }
  int64_t first = json::getInt(each, "port");
  if (port && (first < 1 || first > 65535)) {
    errors.push_back(meta::invalidField(path + ".port", *port, "must be between 1 and 65535, inclusive"));
  }
  if (!end) return;
  if (!port) {
    errors.push_back(meta::forbiddenField(path + ".endPort", "may not be specified when `port` is not specified"));
  } else if (end->is_int64() && end->get_int64() < first) {
    errors.push_back(meta::invalidField(path + ".endPort", *end, "must be greater than or equal to `port`"));
  }
}

void checkIpBlock(const json::Value& block, const std::string& path, meta::FieldErrors& errors) {
  const json::Value* cidr = json::find(block, "cidr");
  if (!cidr || textOf(*cidr).empty()) return;  // said by the schema
  auto whole = base::IpPrefix::parse(textOf(*cidr));
  const char* why = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
  if (!whole) return errors.push_back(meta::invalidField(path + ".cidr", *cidr, why));
  forEachItem(arrayAt(block, "except"), path + ".except", [&](const json::Value& except, const std::string& at) {
    auto part = base::IpPrefix::parse(textOf(except));
    if (!part) {
      errors.push_back(meta::invalidField(at, except, why));
    } else if (!strictlyContains(*whole, *part)) {
      errors.push_back(meta::invalidField(at, except, "must be a strict subset of `cidr`"));
    }
  });
}

void checkPeer(const json::Value& peer, const std::string& path, meta::FieldErrors& errors) {
  const json::Value* block = json::find(peer, "ipBlock");
  bool selects = json::find(peer, "podSelector") || json::find(peer, "namespaceSelector");
  if (!block && !selects) {
    errors.push_back(meta::requiredField(path, "must specify a peer"));
  } else if (block && selects) {
    errors.push_back(meta::forbiddenField(path, "may not specify both ipBlock and another peer"));
  }
  if (block) checkIpBlock(*block, path + ".ipBlock", errors);
}

void checkRules(const json::Value& policy, const std::string& direction, const std::string& peers,
                meta::FieldErrors& errors) {
  std::string path = "spec." + direction;
  forEachItem(arrayAt(policy, path), path, [&](const json::Value& rule, const std::string& at) {
    forEachItem(arrayAt(rule, "ports"), at + ".ports",
                [&](const json::Value& port, const std::string& place) { checkPort(port, place, errors); });
    forEachItem(arrayAt(rule, peers), at + "." + peers,
                [&](const json::Value& peer, const std::string& place) { checkPeer(peer, place, errors); });
  });
}

}  // namespace

// A policy that does not say what it speaks about speaks about what may come in, and about what may go out if it has
// rules for that.
void prepareNetworkPolicy(AdmissionRequest& request) {
  if (!writesMain(request)) return;
  json::Object& spec = json::ensureObject(request.object.as_object(), "spec");
  json::Array& types = json::ensureArray(spec, "policyTypes");
  if (!types.empty()) return;
  types.emplace_back("Ingress");
  if (!arrayAt(spec, "egress").empty()) types.emplace_back("Egress");
}

void validateNetworkPolicy(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  checkRules(request.object, "ingress", "from", errors);
  checkRules(request.object, "egress", "to", errors);
  if (arrayAt(request.object, "spec.policyTypes").size() > 2) {
    errors.push_back(meta::invalidField("spec.policyTypes", *json::find(request.object, "spec.policyTypes"),
                                        "may not specify more than two policyTypes"));
  }
}

}  // namespace wherry::apiserver
