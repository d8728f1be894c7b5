#include "meta/status.h"

#include <gtest/gtest.h>

namespace wherry::meta {
namespace {

struct Case {
  const char* name;
  StatusError error;
  const char* json;  // behind {"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",
};

class StatusJsonTest : public testing::TestWithParam<Case> {};

TEST_P(StatusJsonTest, saysItAsKubernetesDoes) {
  std::string expected =
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",)" + std::string(GetParam().json);
  EXPECT_EQ(json::serialize(GetParam().error.toJson()), expected) << GetParam().name;
}

INSTANTIATE_TEST_SUITE_P(
    Table, StatusJsonTest,
    testing::Values(
        Case{
            "a missing core object", notFound({"", "pods"}, "nope"),
            R"("message":"pods \"nope\" not found","reason":"NotFound","details":{"name":"nope","kind":"pods"},"code":404})"},
        Case{
            "a missing object of a group", notFound({"apps", "deployments"}, "nope"),
            R"("message":"deployments.apps \"nope\" not found","reason":"NotFound","details":{"name":"nope","group":"apps","kind":"deployments"},"code":404})"},
        Case{
            "an unknown path", pathNotFound(),
            R"("message":"the server could not find the requested resource","reason":"NotFound","details":{},"code":404})"},
        Case{
            "a name that is taken", alreadyExists({"", "configmaps"}, "cm"),
            R"("message":"configmaps \"cm\" already exists","reason":"AlreadyExists","details":{"name":"cm","kind":"configmaps"},"code":409})"},
        Case{
            "a conflict", conflict({"", "pods/binding"}, "p", "pod p is already assigned to node \"n1\""),
            R"("message":"Operation cannot be fulfilled on pods/binding \"p\": pod p is already assigned to node \"n1\"","reason":"Conflict","details":{"name":"p","kind":"pods/binding"},"code":409})"},
        Case{
            "forbidden by name", forbidden({"", "pods"}, "p", "no"),
            R"("message":"pods \"p\" is forbidden: no","reason":"Forbidden","details":{"name":"p","kind":"pods"},"code":403})"},
        Case{
            "forbidden for all", forbidden({"apps", "deployments"}, "", "no"),
            R"("message":"deployments.apps is forbidden: no","reason":"Forbidden","details":{"group":"apps","kind":"deployments"},"code":403})"},
        Case{"a bad request has no details", badRequest("no"), R"("message":"no","reason":"BadRequest","code":400})"},
        Case{"not acceptable has empty ones", notAcceptable("no"),
             R"("message":"no","reason":"NotAcceptable","details":{},"code":406})"},
        Case{"too many requests", tooManyRequests("later", 3),
             R"("message":"later","reason":"TooManyRequests","details":{"retryAfterSeconds":3},"code":429})"},
        Case{
            "an internal error", internalError("oops"),
            R"("message":"Internal error occurred: oops","reason":"InternalError","details":{"causes":[{"message":"oops"}]},"code":500})"},
        Case{"no reason", StatusError(500, "", "oops"), R"("message":"oops","code":500})"},
        Case{
            "one mistake", invalid({"", "v1", "Pod"}, "p", {requiredField("spec.containers[0].image")}),
            R"("message":"Pod \"p\" is invalid: spec.containers[0].image: Required value","reason":"Invalid","details":{"name":"p","kind":"Pod","causes":[{"reason":"FieldValueRequired","message":"Required value","field":"spec.containers[0].image"}]},"code":422})"},
        Case{
            "two mistakes",
            invalid({"apps", "v1", "Deployment"}, "d", {forbiddenField("a", "no"), forbiddenField("b", "no")}),
            R"("message":"Deployment.apps \"d\" is invalid: [a: Forbidden: no, b: Forbidden: no]","reason":"Invalid","details":{"name":"d","group":"apps","kind":"Deployment","causes":[{"reason":"FieldValueForbidden","message":"Forbidden: no","field":"a"},{"reason":"FieldValueForbidden","message":"Forbidden: no","field":"b"}]},"code":422})"}));

TEST(FieldErrorTest, saysItAsKubernetesDoes) {
  EXPECT_EQ(invalidField("f", "x", "must be y").message(), "Invalid value: \"x\": must be y");
  EXPECT_EQ(invalidField("f", -1, "must be y").message(), "Invalid value: -1: must be y");
  EXPECT_EQ(notSupportedField("f", "x", {"a", "b"}).message(),
            "Unsupported value: \"x\": supported values: \"a\", \"b\"");
  EXPECT_EQ(duplicateField("f", "x").message(), "Duplicate value: \"x\"");
  EXPECT_EQ(notFoundField("f", "x").message(), "Not found: \"x\"");
  EXPECT_EQ(tooLongField("f", 63).message(), "Too long: may not be more than 63 bytes");
  EXPECT_EQ(tooManyField("f", 5, 3).message(), "Too many: 5: must have at most 3 items");
  EXPECT_EQ(requiredField("f", "say it").message(), "Required value: say it");
}

TEST(StatusErrorTest, readsWhatAServerAnswered) {
  StatusError sent = notFound({"apps", "deployments"}, "web");
  StatusError read = StatusError::fromJson(404, json::serialize(sent.toJson()));
  EXPECT_TRUE(read.isNotFound());
  EXPECT_EQ(json::serialize(read.toJson()), json::serialize(sent.toJson()));
  EXPECT_EQ(StatusError::fromJson(429, json::serialize(tooManyRequests("x", 7).toJson())).retryAfterSeconds(), 7);
  StatusError page = StatusError::fromJson(502, "<html>");
  EXPECT_EQ(page.code(), 502);
  EXPECT_EQ(page.reason(), "InternalError");
  EXPECT_EQ(page.message(), "the server answered 502: <html>");
}

}  // namespace
}  // namespace wherry::meta
