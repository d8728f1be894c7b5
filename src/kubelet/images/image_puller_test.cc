#include "kubelet/images/image_puller.h"

#include <gtest/gtest.h>

#include "kubelet/images/skopeo.h"

namespace wherry::kubelet {
namespace {

using Kind = RegistryAnswer::Kind;

struct Case {
  const char* name;
  PullPolicy policy;
  std::optional<Image> stored;
  std::optional<RegistryAnswer> answer;
  PullStep step;
  const char* login = "";
};

Image image(ImageSource source) { return {.sourceDigest = "sha256:a", .source = source}; }

TEST(PullPolicy, DecidesByWhatIsStoredAndWhatTheRegistrySays) {
  const Image pulled = image(ImageSource::kPulled), imported = image(ImageSource::kImported);
  Image guarded = pulled;
  guarded.logins = {"1"};
  const RegistryAnswer same{Kind::kDigest, "sha256:a"}, other{Kind::kDigest, "sha256:b"}, refused{Kind::kRefused, "no"},
      away{Kind::kUnreachable, "timeout"};
  const Case cases[] = {
      {"IfNotPresent uses what is stored", PullPolicy::kIfNotPresent, pulled, {}, PullStep::kUseStored},
      {"IfNotPresent asks for what is missing", PullPolicy::kIfNotPresent, {}, {}, PullStep::kAsk},
      {"IfNotPresent pulls what is missing", PullPolicy::kIfNotPresent, {}, other, PullStep::kPull},
      {"Never uses what is stored", PullPolicy::kNever, imported, {}, PullStep::kUseStored},
      {"Never does not pull", PullPolicy::kNever, {}, {}, PullStep::kNeverPresent},
      {"Always asks although it is stored", PullPolicy::kAlways, pulled, {}, PullStep::kAsk},
      {"Always keeps what the registry still has", PullPolicy::kAlways, pulled, same, PullStep::kUseStored},
      {"Always pulls what has changed", PullPolicy::kAlways, imported, other, PullStep::kPull},
      {"an imported image stands in for a registry out of reach", PullPolicy::kAlways, imported, away,
       PullStep::kUseImported},
      {"a pulled image does not", PullPolicy::kAlways, pulled, away, PullStep::kFail},
      {"a private image is the pod's that has its login",
       PullPolicy::kIfNotPresent,
       guarded,
       {},
       PullStep::kUseStored,
       "1"},
      {"others must ask the registry first", PullPolicy::kIfNotPresent, guarded, {}, PullStep::kAsk, "2"},
      {"also those without a login", PullPolicy::kIfNotPresent, guarded, {}, PullStep::kAsk},
      {"who may have it from the registry gets what is stored", PullPolicy::kIfNotPresent, guarded, same,
       PullStep::kUseStored, "2"},
      {"who may not have it there doesn't get it here", PullPolicy::kIfNotPresent, guarded, refused, PullStep::kFail},
      {"nor while the registry is away", PullPolicy::kIfNotPresent, guarded, away, PullStep::kFail},
      {"Never asks nobody, so it can't be told", PullPolicy::kNever, guarded, {}, PullStep::kNeverAllowed},
      {"a registry that refuses is obeyed", PullPolicy::kAlways, imported, refused, PullStep::kFail},
  };
  for (const Case& c : cases) EXPECT_EQ(decidePull(c.policy, c.stored, c.login, c.answer), c.step) << c.name;
}

TEST(PullPolicy, DefaultsByTheTag) {
  EXPECT_EQ(parsePullPolicy("", "nginx"), PullPolicy::kAlways);
  EXPECT_EQ(parsePullPolicy("", "nginx:latest"), PullPolicy::kAlways);
  EXPECT_EQ(parsePullPolicy("", "nginx:1.27"), PullPolicy::kIfNotPresent);
  EXPECT_EQ(parsePullPolicy("Never", "nginx"), PullPolicy::kNever);
}

TEST(Skopeo, ItsLastWordIsTheMessageOfItsLastLine) {
  EXPECT_EQ(parseSkopeoError(
                "time=\"2026\" level=warning msg=\"x\"\n"
                "time=\"2026\" level=fatal msg=\"pinging \\\"https://r/v2/\\\": dial tcp: lookup r: no such host\"\n"),
            "pinging \"https://r/v2/\": dial tcp: lookup r: no such host");
  EXPECT_EQ(parseSkopeoError("level=fatal msg=\"Error parsing image name \\\"docker://r/a:1\\\": no such host\""),
            "no such host");
  EXPECT_EQ(parseSkopeoError(""), "skopeo failed");
}

TEST(Skopeo, TellsARegistryOutOfReachFromOneThatRefuses) {
  EXPECT_TRUE(isUnreachable("pinging container registry r: Get \"https://r/v2/\": dial tcp: lookup r: no such host"));
  EXPECT_FALSE(
      isUnreachable("reading manifest latest in docker.io/library/x: requested access to the resource is denied"));
}

}  // namespace
}  // namespace wherry::kubelet
