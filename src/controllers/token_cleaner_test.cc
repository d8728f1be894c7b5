#include "controllers/token_cleaner.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "controllers/test_objects.h"
#include "meta/time.h"

namespace wherry::controllers {
namespace {

std::string endOf(const std::string& type, const std::string& ns, const std::string& data) {
  auto end = decideTokenEnd(core_v1::Secret(objectOf("{metadata: {name: bootstrap-token-07401b, namespace: " + ns +
                                                     "}, type: " + type + ", data: " + data + "}")));
  return end ? meta::formatTime(*end) : "never";
}

TEST(TokenCleaner, ABootstrapTokenGoesAtItsEnd) {
  const std::string token = "bootstrap.kubernetes.io/token";
  const auto at = [](const std::string& text) { return "{expiration: '" + base::encodeBase64(text) + "'}"; };
  EXPECT_EQ(endOf(token, "kube-system", at("2026-01-01T00:00:00Z")), "2026-01-01T00:00:00Z");
  EXPECT_EQ(endOf(token, "kube-system", at("2026-01-01T02:00:00+02:00")), "2026-01-01T00:00:00Z");
  EXPECT_EQ(endOf(token, "kube-system", at("soon")), "1970-01-01T00:00:00Z")
      << "an end that nobody can read has passed";
  EXPECT_EQ(endOf(token, "kube-system", "{}"), "never");
  EXPECT_EQ(endOf(token, "default", at("2026-01-01T00:00:00Z")), "never") << "in kube-system alone they are tokens";
  EXPECT_EQ(endOf("Opaque", "kube-system", at("2026-01-01T00:00:00Z")), "never");
}

}  // namespace
}  // namespace wherry::controllers
