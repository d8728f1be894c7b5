#include "ingress/ingress_classes.h"

#include <memory>

#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::ingress {
namespace {

using networking_v1::Ingress;
using networking_v1::IngressClass;

template <typename V>
std::vector<V> all(std::string_view yaml) {
  std::vector<V> objects;
  for (auto& tree : json::parseYamlStream(yaml)) {
    objects.emplace_back(std::make_shared<const meta::Object>(std::move(tree)));
  }
  return objects;
}

TEST(IngressClasses, AreOursByTheirController) {
  struct Row {
    const char* sentence;
    const char* yaml;
    bool ours;
  };
  for (const Row& row : std::vector<Row>{
           {"our own", "{metadata: {name: a}, spec: {controller: wherry.dev/ingress-controller}}", true},
           {"that of an application's manifest", "{metadata: {name: nginx}, spec: {controller: k8s.io/ingress-nginx}}",
            true},
           {"that of ingress-nginx itself",
            "{metadata: {name: nginx, labels: {app.kubernetes.io/name: ingress-nginx}}, spec: {controller: "
            "k8s.io/ingress-nginx}}",
            false},
           {"that all the same",
            "{metadata: {name: nginx, labels: {app.kubernetes.io/name: ingress-nginx}, annotations: {wherry.dev/serve: "
            "'true'}}, spec: {controller: k8s.io/ingress-nginx}}",
            true},
           {"our own, switched off",
            "{metadata: {name: a, annotations: {wherry.dev/serve: 'false'}}, spec: {controller: "
            "wherry.dev/ingress-controller}}",
            false},
           {"somebody else's",
            "{metadata: {name: t, annotations: {wherry.dev/serve: 'true'}}, spec: {controller: "
            "traefik.io/ingress-controller}}",
            false},
       }) {
    EXPECT_EQ(isOurs(all<IngressClass>(row.yaml)[0]), row.ours) << row.sentence;
  }
}

std::string missing(std::string_view existing) {
  std::string text;
  for (const auto& each : missingClasses(all<IngressClass>(existing))) {
    text += std::string(json::getString(each, "metadata.name")) + " " +
            std::string(json::getString(each, "spec.controller"));
    if (json::find(each, "metadata.annotations")) text += " default";
    text += "\n";
  }
  return text;
}

TEST(IngressClasses, AreThereFromTheStart) {
  EXPECT_EQ(missing(""), R"(wherry wherry.dev/ingress-controller default
nginx k8s.io/ingress-nginx
public k8s.io/ingress-nginx
)");
  EXPECT_EQ(missing(R"(
metadata: {name: nginx, annotations: {ingressclass.kubernetes.io/is-default-class: 'true'}}
spec: {controller: example.com/other}
---
metadata: {name: public}
spec: {controller: example.com/other}
)"),
            "wherry wherry.dev/ingress-controller\n");
}

TEST(IngressClasses, ClaimIngresses) {
  const auto classes = all<IngressClass>(R"(
metadata: {name: wherry, creationTimestamp: '2026-01-01T00:00:00Z', annotations: {ingressclass.kubernetes.io/is-default-class: 'true'}}
spec: {controller: wherry.dev/ingress-controller}
---
metadata: {name: other, creationTimestamp: '2026-01-01T00:00:00Z'}
spec: {controller: example.com/other}
)");
  const auto claim = [&](std::string_view yaml) { return claimOn(all<Ingress>(yaml)[0], classes); };
  EXPECT_EQ(claim("{metadata: {name: i}, spec: {ingressClassName: wherry}}"), Claim::kOurs);
  EXPECT_EQ(claim("{metadata: {name: i}, spec: {ingressClassName: other}}"), Claim::kSomebodyElses);
  EXPECT_EQ(claim("{metadata: {name: i}, spec: {ingressClassName: gone}}"), Claim::kNobodys);
  EXPECT_EQ(claim("{metadata: {name: i}, spec: {ingressClassName: ''}}"), Claim::kSomebodyElses);
  EXPECT_EQ(claim("{metadata: {name: i, annotations: {kubernetes.io/ingress.class: wherry}}, spec: {}}"), Claim::kOurs);
  EXPECT_EQ(claim("{metadata: {name: i, annotations: {kubernetes.io/ingress.class: other}}, spec: {}}"),
            Claim::kSomebodyElses);
  EXPECT_EQ(claim("{metadata: {name: i}, spec: {}}"), Claim::kOurs);
  EXPECT_EQ(claimOn(all<Ingress>("{metadata: {name: i}, spec: {}}")[0], {}), Claim::kSomebodyElses);
}

}  // namespace
}  // namespace wherry::ingress
