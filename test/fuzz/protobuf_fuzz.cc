// libFuzzer: request bodies in protobuf form. A first byte that is not zero names a kind, and the rest is its message;
// after a zero the rest is the whole body. What is read must be what a JSON body could have said.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>

#include "apiserver/protobuf_body.h"
#include "schema/protobuf_writer.h"

namespace json = wherry::json;

namespace {

struct Kind {
  std::string_view apiVersion, kind;
};
constexpr Kind kKinds[] = {
    {"v1", "Pod"},           {"apps/v1", "Deployment"},
    {"v1", "ConfigMap"},     {"autoscaling/v2", "HorizontalPodAutoscaler"},
    {"v1", "DeleteOptions"}, {"apps/v1", "ControllerRevision"},
    {"v1", "Event"},         {"rbac.authorization.k8s.io/v1", "Role"},
};

std::string bodyOf(std::string_view input) {
  std::string body("k8s\0", 4);
  if (input[0] == '\0') return body.append(input.substr(1));
  const Kind& of = kKinds[static_cast<uint8_t>(input[0]) % std::size(kKinds)];
  wherry::schema::ProtobufWriter envelope;
  envelope.message(1, [&](auto& typeMeta) {
    typeMeta.text(1, of.apiVersion);
    typeMeta.text(2, of.kind);
  });
  envelope.text(2, input.substr(1));
  return body + envelope.take();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  auto object = wherry::apiserver::decodeProtobufBody(bodyOf({reinterpret_cast<const char*>(data), size}));
  if (!object) return 0;
  try {
    if (!json::equal(json::parse(json::serialize(*object)), *object)) std::abort();
  } catch (const json::ParseError&) {
    std::abort();
  }
  return 0;
}
