#include "apiserver/media_type.h"

#include <gtest/gtest.h>

namespace wherry::apiserver {
namespace {

std::string describe(std::string_view accept) {
  auto chosen = negotiate(accept);
  if (!chosen) return "406";
  std::string text = chosen->format == Format::kYaml ? "yaml" : "json";
  if (chosen->shape == Shape::kTable) text += " Table " + chosen->shapeVersion;
  if (chosen->shape == Shape::kPartialMetadata) text += " PartialObjectMetadata " + chosen->shapeVersion;
  return text;
}

TEST(MediaType, NegotiatesByAccept) {
  struct {
    const char* sentence;
    const char* accept;
    const char* expected;
  } cases[] = {
      {"no wish is JSON", "", "json"},
      {"curl takes anything", "*/*", "json"},
      {"protobuf is passed over for the second choice", "application/vnd.kubernetes.protobuf,application/json", "json"},
      {"kubectl get asks for a table",
       "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/"
       "json",
       "json Table v1"},
      {"kubectl 1.10 asks for an older table", "application/json;as=Table;v=v1beta1;g=meta.k8s.io, application/json",
       "json Table v1beta1"},
      {"a table of an unknown version falls back", "application/json;as=Table;v=v9;g=meta.k8s.io,application/json",
       "json"},
      {"metadata only", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
       "json PartialObjectMetadata v1"},
      {"YAML", "application/yaml", "yaml"},
      {"weights decide", "application/json;q=0.5, application/yaml;q=0.9", "yaml"},
      {"nothing that is served", "text/csv", "406"},
  };
  for (const auto& c : cases) EXPECT_EQ(describe(c.accept), c.expected) << c.sentence;
}

TEST(MediaType, ReadsBodies) {
  EXPECT_EQ(bodyFormat(""), Format::kJson);
  EXPECT_EQ(bodyFormat("application/json; charset=utf-8"), Format::kJson);
  EXPECT_EQ(bodyFormat("Application/YAML"), Format::kYaml);
  EXPECT_EQ(bodyFormat("application/x-www-form-urlencoded"), std::nullopt);
}

}  // namespace
}  // namespace wherry::apiserver
