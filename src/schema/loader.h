// Makes Kinds out of the files of api/. Pure.
#pragma once

#include <string>
#include <vector>

#include "json/value.h"
#include "schema/kind.h"

namespace wherry::schema {

// One file: where it stands below api/ ("apps/v1/deployment.yaml") and what it says.
struct ApiFile {
  std::string path;
  json::Value tree;
};

// What a group of api/groups.yaml says of one of its versions.
struct ApiVersion {
  std::string group;
  std::string version;
  std::string package;  // "io.k8s.api.apps.v1": what stands before the name of a struct
  std::string folder;   // "apps/v1"
  bool extension;       // elsewhere its kinds come with CustomResourceDefinitions: they behave as such kinds do
};

// groups.yaml, in its order. Throws std::logic_error.
std::vector<ApiVersion> readApiVersions(const json::Value& groupsFile);

// Throws std::logic_error that names the file and the key which is wrong. Unknown keys are wrong.
RegistryPtr loadKinds(const std::vector<ApiFile>& files);

}  // namespace wherry::schema
