#include "apiserver/request_info.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace wherry::apiserver {
namespace {

// "verb group/version ns resource name subresource rest", "-" for what is empty
std::string describe(std::string_view method, std::string_view target) {
  auto question = target.find('?');
  auto query = question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
  auto info = RequestInfo::parse(method, target.substr(0, question), query);
  if (!info) return "undecodable";
  if (!info->isResource) return "path " + info->path;
  auto show = [](const std::string& text) { return text.empty() ? std::string("-") : text; };
  return fmt::format("{} {}/{} {} {} {} {}{}", verbName(info->verb), info->group, info->version, show(info->ns),
                     show(info->resource), show(info->name), show(info->subresource), info->rest);
}

struct Case {
  const char* sentence;
  const char* method;
  const char* target;
  const char* expected;
};

TEST(RequestInfo, ReadsPaths) {
  const Case cases[] = {
      {"a namespaced object", "GET", "/api/v1/namespaces/default/pods/web", "get /v1 default pods web -"},
      {"a collection in a namespace is listed", "GET", "/apis/apps/v1/namespaces/a/deployments",
       "list apps/v1 a deployments - -"},
      {"a collection over all namespaces", "GET", "/api/v1/pods", "list /v1 - pods - -"},
      {"watch=1 is a watch", "GET", "/api/v1/pods?watch=1", "watch /v1 - pods - -"},
      {"watch=false is a list", "GET", "/api/v1/pods?watch=false", "list /v1 - pods - -"},
      {"the old watch prefix is a watch", "GET", "/api/v1/watch/namespaces/a/pods", "watch /v1 a pods - -"},
      {"a namespace is an object", "GET", "/api/v1/namespaces/default", "get /v1 - namespaces default -"},
      {"the status of a namespace", "PUT", "/api/v1/namespaces/a/status", "update /v1 - namespaces a status"},
      {"finalize of a namespace", "PUT", "/api/v1/namespaces/a/finalize", "update /v1 - namespaces a finalize"},
      {"an object called status in a namespace", "GET", "/api/v1/namespaces/a/pods/status", "get /v1 a pods status -"},
      {"a subresource", "PATCH", "/apis/apps/v1/namespaces/a/deployments/d/scale",
       "patch apps/v1 a deployments d scale"},
      {"what follows a subresource is kept", "GET", "/api/v1/namespaces/a/pods/p/proxy/x/y",
       "get /v1 a pods p proxy/x/y"},
      {"an encoded name is decoded", "GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode",
       "get rbac.authorization.k8s.io/v1 - clusterroles system:node -"},
      {"deleting a collection", "DELETE", "/api/v1/namespaces/a/pods", "deletecollection /v1 a pods - -"},
      {"discovery is no resource", "GET", "/apis/apps/v1", "path /apis/apps/v1"},
      {"doubled and closing slashes do not matter", "GET", "//api/v1//pods/", "list /v1 - pods - -"},
      {"broken percent-encoding is refused", "GET", "/api/v1/pods/%zz", "undecodable"},
      {"broken percent-encoding in the query is refused", "GET", "/api/v1/pods?a=%2", "undecodable"},
  };
  for (const auto& c : cases) EXPECT_EQ(describe(c.method, c.target), c.expected) << c.sentence;
}

TEST(Query, DecodesParameters) {
  auto query = Query::parse("labelSelector=a%3Db%2Cc+in+%28d%29&limit=5&pretty");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->get("labelSelector"), "a=b,c in (d)");
  EXPECT_EQ(query->get("limit"), "5");
  EXPECT_TRUE(query->flag("pretty"));
  EXPECT_FALSE(query->has("watch"));
}

}  // namespace
}  // namespace wherry::apiserver
