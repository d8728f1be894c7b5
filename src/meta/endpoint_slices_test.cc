#include "meta/endpoint_slices.h"

#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::meta {
namespace {

TEST(EndpointSlices, ASliceNamesItsServiceByLabel) {
  EXPECT_EQ(serviceKeyOf(Object(json::parseYaml(
                "metadata: {name: web-x7k2p, namespace: shop, labels: {kubernetes.io/service-name: web}}"))),
            "shop/web");
  EXPECT_EQ(serviceKeyOf(Object(json::parseYaml("metadata: {name: x, namespace: shop}"))), "");
}

}  // namespace
}  // namespace wherry::meta
