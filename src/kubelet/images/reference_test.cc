#include "kubelet/images/reference.h"

#include <gtest/gtest.h>

namespace wherry::kubelet {
namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

std::string normalised(std::string_view text) {
  auto reference = ImageReference::parse(text);
  return reference ? reference->text() : "not a name";
}

TEST(ImageReference, ShortNamesAreCompleted) {
  EXPECT_EQ(normalised("nginx"), "docker.io/library/nginx:latest");
  EXPECT_EQ(normalised("nginx:1.27"), "docker.io/library/nginx:1.27");
  EXPECT_EQ(normalised("bitnami/redis"), "docker.io/bitnami/redis:latest");
  EXPECT_EQ(normalised("index.docker.io/library/nginx"), "docker.io/library/nginx:latest");
}

TEST(ImageReference, ARegistryHasADotAPortOrIsLocalhost) {
  EXPECT_EQ(normalised("registry.k8s.io/pause:3.10"), "registry.k8s.io/pause:3.10");
  EXPECT_EQ(normalised("localhost/app"), "localhost/app:latest");
  EXPECT_EQ(normalised("registry:5000/app"), "registry:5000/app:latest");
}

TEST(ImageReference, ADigestStandsWithoutATag) {
  EXPECT_EQ(normalised("nginx@" + kDigest), "docker.io/library/nginx@" + kDigest);
  EXPECT_EQ(normalised("nginx:1@" + kDigest), "docker.io/library/nginx:1@" + kDigest);
}

TEST(ImageReference, WhatIsNoNameIsRefused) {
  for (const char* text :
       {"", "Nginx", "nginx:", "nginx:a b", "a//b", "nginx@sha256:12", "-x", "a___b", "../x", "a b"}) {
    EXPECT_EQ(normalised(text), "not a name") << text;
  }
}

}  // namespace
}  // namespace wherry::kubelet
