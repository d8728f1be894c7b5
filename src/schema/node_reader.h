// Reads a schema written in the vocabulary of CustomResourceDefinitions (a part of OpenAPI v3 plus x-kubernetes-*) into
// a Node. Pure.
#pragma once

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "json/value.h"
#include "schema/kind.h"

namespace wherry::schema {

// A schema that can't be read; what() says where ("properties.spec: unknown key 'requird'").
struct SchemaError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// kBuiltin: api/. An unknown key is an error, and `$ref`, patch strategies, `immutable` and `zeroIsUnset` are known.
// kExtension: likewise, but the values are decoded as a custom kind's are (Node::builtin).
// kCustom: a user's CustomResourceDefinition, which was validated when it was stored; what is unknown has no effect.
// A custom embedded resource gets apiVersion, kind and metadata, for which `meta/v1/ObjectMeta` is resolved.
enum class Vocabulary { kBuiltin, kExtension, kCustom };

// What `$ref: name` stands for. With kComplete the Node is wanted for copying and must be filled in, so a definition
// that contains itself that way is a SchemaError; with kPointer it may still be empty.
enum class Completeness { kPointer, kComplete };
using ResolveReference = std::function<NodePtr(std::string_view name, Completeness completeness)>;

// Reads the schemas of one file. Equal schemas become one shared Node. Not thread-safe.
class NodeReader {
 public:
  NodeReader(Vocabulary vocabulary, ResolveReference resolve);
  ~NodeReader();

  NodePtr read(const json::Value& schema);
  // The same into a Node that others may point to already.
  void readInto(Node& node, const json::Object& schema);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wherry::schema
