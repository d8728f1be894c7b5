#include "apiserver/admission/service_families.h"

#include <gtest/gtest.h>

#include "apiserver/admission/addresses.h"
#include "apiserver/admission/admission_world.h"
#include "base/strings.h"

namespace wherry::apiserver {
namespace {

constexpr const char* kV4 = "10.96.0.0/16";
constexpr const char* kV6 = "fd00:10:96::/108";
constexpr const char* kV4V6 = "10.96.0.0/16,fd00:10:96::/108";
constexpr const char* kV6V4 = "fd00:10:96::/108,10.96.0.0/16";

// "SingleStack IPv4 [IPv4]": the policy, the families, those of the cluster IPs; or the refusal.
std::string summary(const Admitted& admitted) {
  if (!admitted.sentence.empty()) return admitted.sentence;
  if (!admitted.causes.empty()) return base::join(admitted.causes, ", ");
  const json::Object& spec = admitted.object.at("spec").as_object();
  std::vector<std::string> ips;
  for (const std::string& ip : textsAt(spec, "clusterIPs")) {
    auto family = familyOf(ip);
    ips.push_back(family ? base::familyName(*family) : ip);
  }
  return std::string(json::getString(spec, "ipFamilyPolicy")) + " " + base::join(textsAt(spec, "ipFamilies"), ",") +
         " [" + base::join(ips, ",") + "]";
}

std::string manifest(const std::string& spec) {
  return "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{port: 80}], " + spec + "}}";
}

std::string invalid(const std::string& what) { return "Service \"s\" is invalid: " + what; }

TEST(ServiceFamilies, AreFilledInByPolicyAndCluster) {
  const struct {
    const char *sentence, *cidrs, *spec, *expected;
  } cases[] = {
      {"the default is one address of the first family", kV4V6, "", "SingleStack IPv4 [IPv4]"},
      {"whichever that is", kV6V4, "", "SingleStack IPv6 [IPv6]"},
      {"also when it is the only one", kV6, "", "SingleStack IPv6 [IPv6]"},
      {"the other family alone", kV4V6, "ipFamilies: [IPv6]", "SingleStack IPv6 [IPv6]"},
      {"both", kV4V6, "ipFamilyPolicy: RequireDualStack", "RequireDualStack IPv4,IPv6 [IPv4,IPv6]"},
      {"in the cluster's order", kV6V4, "ipFamilyPolicy: RequireDualStack", "RequireDualStack IPv6,IPv4 [IPv6,IPv4]"},
      {"or one's own", kV4V6, "ipFamilyPolicy: PreferDualStack, ipFamilies: [IPv6, IPv4]",
       "PreferDualStack IPv6,IPv4 [IPv6,IPv4]"},
      {"one family is completed", kV4V6, "ipFamilyPolicy: PreferDualStack, ipFamilies: [IPv6]",
       "PreferDualStack IPv6,IPv4 [IPv6,IPv4]"},
      {"a preference takes what there is", kV4, "ipFamilyPolicy: PreferDualStack", "PreferDualStack IPv4 [IPv4]"},
      {"an address says its family", kV4V6, "clusterIP: 'fd00:10:96::1234'", "SingleStack IPv6 [IPv6]"},
      {"both addresses do", kV4V6,
       "ipFamilyPolicy: PreferDualStack, clusterIP: 'fd00:10:96::1234', clusterIPs: ['fd00:10:96::1234', 10.96.1.1]",
       "PreferDualStack IPv6,IPv4 [IPv6,IPv4]"},
      {"the other address of a single one is allocated", kV4V6,
       "ipFamilyPolicy: RequireDualStack, clusterIP: 10.96.1.1", "RequireDualStack IPv4,IPv6 [IPv4,IPv6]"},
      {"headless with a selector", kV4V6, "clusterIP: None, selector: {a: b}", "SingleStack IPv4 [None]"},
      {"headless in both", kV4V6, "clusterIP: None, selector: {a: b}, ipFamilyPolicy: PreferDualStack",
       "PreferDualStack IPv4,IPv6 [None]"},
      {"headless without a selector: whoever keeps its endpoints knows", kV4, "clusterIP: None",
       "RequireDualStack IPv4,IPv6 [None]"},
      {"the first is the cluster's", kV6, "clusterIP: None", "RequireDualStack IPv6,IPv4 [None]"},
      {"unless it says otherwise", kV4, "clusterIP: None, ipFamilyPolicy: SingleStack", "SingleStack IPv4 [None]"},
      {"in any family", kV4, "clusterIP: None, ipFamilyPolicy: SingleStack, ipFamilies: [IPv6]",
       "SingleStack IPv6 [None]"},
      {"an external name has none", kV4V6, "type: ExternalName, externalName: a.example.com", "  []"},
  };
  for (const auto& c : cases) {
    AdmissionWorld world(c.cidrs);
    EXPECT_EQ(summary(world.create(manifest(c.spec))), c.expected) << c.sentence;
  }
}

TEST(ServiceFamilies, WhatCantBeHadIsRefusedInKubernetesWords) {
  const struct {
    const char *cidrs, *spec, *refusal;
  } cases[] = {
      {kV4, "ipFamilies: [IPv6]", "spec.ipFamilies[0]: Invalid value: \"IPv6\": not configured on this cluster"},
      {kV6, "ipFamilies: [IPv4]", "spec.ipFamilies[0]: Invalid value: \"IPv4\": not configured on this cluster"},
      {kV4, "ipFamilyPolicy: RequireDualStack",
       "spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": this cluster is not configured for dual-stack "
       "services"},
      {kV4, "clusterIP: 'fd00::1'",
       "spec.clusterIPs[0]: Invalid value: [\"fd00::1\"]: IPv6 is not configured on this cluster"},
      {kV4V6, "ipFamilies: [IPv4, IPv6]",
       "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when "
       "multiple IP families are specified"},
      {kV4V6, "clusterIP: 10.96.1.1, clusterIPs: [10.96.1.1, 'fd00:10:96::1']",
       "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when "
       "multiple cluster IPs are specified"},
      {kV4V6, "ipFamilyPolicy: PreferDualStack, ipFamilies: [IPv4, IPv4]",
       "spec.ipFamilies[1]: Duplicate value: \"IPv4\""},
      {kV4V6, "ipFamilies: [IPv5]",
       "spec.ipFamilies[0]: Unsupported value: \"IPv5\": supported values: \"IPv4\", \"IPv6\""},
      {kV4V6, "ipFamilies: [IPv6], clusterIP: 10.96.1.1",
       "spec.clusterIPs[0]: Invalid value: \"10.96.1.1\": expected an IPv6 value as indicated by `ipFamilies[0]`"},
      {kV4V6, "ipFamilyPolicy: PreferDualStack, clusterIP: 10.96.1.1, clusterIPs: [10.96.1.1, 10.96.1.2]",
       "spec.clusterIPs: Invalid value: [\"10.96.1.1\",\"10.96.1.2\"]: may specify no more than one IP for each IP "
       "family"},
      {kV4V6, "clusterIPs: [10.96.1.1]",
       "spec.clusterIPs: Invalid value: [\"10.96.1.1\"]: must be empty when `clusterIP` is not specified"},
      {kV4V6, "clusterIP: 10.96.1.2, clusterIPs: [10.96.1.1]",
       "spec.clusterIPs: Invalid value: [\"10.96.1.1\"]: first value must match `clusterIP`"},
      {kV4V6, "clusterIP: None, clusterIPs: [None, 10.96.1.1]",
       "spec.clusterIPs: Invalid value: [\"None\",\"10.96.1.1\"]: 'None' must be the first and only value"},
      {kV4V6, "clusterIP: 10.096.1.2", "spec.clusterIPs[0]: Invalid value: \"10.096.1.2\": must not have leading 0s"},
      {kV4V6, "clusterIP: '::ffff:10.96.1.2'",
       "spec.clusterIPs[0]: Invalid value: \"::ffff:10.96.1.2\": must not be an IPv4-mapped IPv6 address"},
      {kV4V6, "clusterIP: 'fd00::1'",
       "spec.clusterIPs: Invalid value: [\"fd00::1\"]: failed to allocate IP fd00::1: the provided IP is not in the "
       "valid range"},
  };
  for (const auto& c : cases) {
    AdmissionWorld world(c.cidrs);
    EXPECT_EQ(summary(world.create(manifest(c.spec))), invalid(c.refusal)) << c.spec;
  }
  AdmissionWorld world(kV4V6);
  EXPECT_EQ(summary(world.create(manifest("type: ExternalName, externalName: a.example.com, ipFamilies: [IPv4], "
                                          "ipFamilyPolicy: SingleStack"))),
            "FieldValueForbidden spec.ipFamilies, FieldValueForbidden spec.ipFamilyPolicy");
}

TEST(ServiceFamilies, ComeAndGoWithThePolicy) {
  const char* both = "ipFamilyPolicy: PreferDualStack";
  const struct {
    const char *sentence, *spec, *change, *expected;
  } cases[] = {
      {"a second address comes with the policy", "", "{spec: {ipFamilyPolicy: PreferDualStack}}",
       "PreferDualStack IPv4,IPv6 [IPv4,IPv6]"},
      {"and goes with it", both, "{spec: {ipFamilyPolicy: SingleStack}}", "SingleStack IPv4 [IPv4]"},
      {"nothing said, nothing changed", both, "{spec: {selector: {a: b}}}", "PreferDualStack IPv4,IPv6 [IPv4,IPv6]"},
      {"not even when all is left out", both,
       "{spec: {ipFamilyPolicy: null, ipFamilies: null, clusterIP: null, clusterIPs: null}}",
       "PreferDualStack IPv4,IPv6 [IPv4,IPv6]"},
      {"a requirement becomes a preference", "ipFamilyPolicy: RequireDualStack",
       "{spec: {ipFamilyPolicy: PreferDualStack}}", "PreferDualStack IPv4,IPv6 [IPv4,IPv6]"},
      {"an external name has none of it", both, "{spec: {type: ExternalName, externalName: a.example.com}}", "  []"},
      {"and gets it again", "type: ExternalName, externalName: a.example.com",
       "{spec: {type: ClusterIP, externalName: null, ipFamilyPolicy: RequireDualStack}}",
       "RequireDualStack IPv4,IPv6 [IPv4,IPv6]"},
      {"a headless one's families are free", "clusterIP: None, selector: {a: b}", "{spec: {ipFamilies: [IPv6]}}",
       "SingleStack IPv6 [None]"},
      {"the second family goes by SingleStack alone", both, "{spec: {ipFamilies: [IPv4]}}",
       "Service \"s\" is invalid: spec.ipFamilyPolicy: Invalid value: \"PreferDualStack\": must be 'SingleStack' to "
       "release the secondary IP family"},
      {"the first stays", "", "{spec: {ipFamilies: [IPv6]}}",
       "Service \"s\" is invalid: spec.clusterIPs[0]: Invalid value: \"<ip>\": expected an IPv6 value as indicated by "
       "`ipFamilies[0]`"},
      {"their order too", both, "{spec: {ipFamilies: [IPv6, IPv4], clusterIP: null, clusterIPs: null}}",
       "Service \"s\" is invalid: [spec.clusterIPs[0]: Invalid value: \"<ip>\": expected an IPv6 value as indicated by "
       "`ipFamilies[0]`, spec.clusterIPs[1]: Invalid value: \"<ip>\": expected an IPv4 value as indicated by "
       "`ipFamilies[1]`]"},
      {"a second address stays as well", both,
       "{spec: {clusterIP: 10.96.1.1, clusterIPs: [10.96.1.1, 'fd00:10:96::1234']}}",
       "FieldValueInvalid spec.clusterIPs[0], FieldValueInvalid spec.clusterIPs[1]"},
  };
  for (const auto& c : cases) {
    AdmissionWorld world(kV4V6);
    std::string got = summary(world.update(manifest(c.spec), c.change));
    for (size_t at = 0; (at = got.find("Invalid value: \"", at)) != std::string::npos;) {
      at += std::string("Invalid value: \"").size();
      size_t end = got.find('"', at);
      if (familyOf(got.substr(at, end - at))) got.replace(at, end - at, "<ip>");
    }
    EXPECT_EQ(got, c.expected) << c.sentence;
  }
}

TEST(ServiceFamilies, AnAddressWrittenInAnotherWayIsWarnedOf) {
  AdmissionWorld world(kV4V6);
  EXPECT_EQ(
      world
          .create(manifest("clusterIP: 'fd00:10:96:0::000A', type: LoadBalancer, loadBalancerIP: 'FD00::1', "
                           "loadBalancerSourceRanges: ['fd00:0::/64', 10.0.0.0/8]"))
          .warnings,
      (std::vector<std::string>{
          "spec.clusterIPs[0]: IPv6 address \"fd00:10:96:0::000A\" should be in RFC 5952 canonical format "
          "(\"fd00:10:96::a\")",
          "spec.loadBalancerIP: IPv6 address \"FD00::1\" should be in RFC 5952 canonical format (\"fd00::1\")",
          "spec.loadBalancerSourceRanges[0]: IPv6 CIDR value \"fd00:0::/64\" should be in RFC 5952 canonical format "
          "(\"fd00::/64\")"}));
}

}  // namespace
}  // namespace wherry::apiserver
