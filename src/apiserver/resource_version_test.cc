// What resourceVersion, resourceVersionMatch, limit, continue and sendInitialEvents mean together, as the tables of
// Kubernetes' "API concepts" have it.
#include <gtest/gtest.h>

#include "apiserver/api_script.h"
#include "apiserver/list_options.h"
#include "json/value.h"

namespace wherry::apiserver {
namespace {

// ConfigMaps as they were left by three writes, and nothing else: a at $first, b, and a changed at $last.
class ResourceVersion : public ::testing::Test {
 protected:
  void makeAnew() {
    world_.run(R"(
DELETE /api/v1/namespaces/default/configmaps
=> 200
POST /api/v1/namespaces/default/configmaps
  metadata: {name: a}
  data: {state: old}
=> 201
$first = metadata.resourceVersion
POST /api/v1/namespaces/default/configmaps
  metadata: {name: b}
=> 201
PATCH:merge /api/v1/namespaces/default/configmaps/a
  data: {state: new}
=> 200
$last = metadata.resourceVersion
)");
  }

  ApiWorld world_;
};

constexpr auto kTooLarge = "Timeout: Too large resource version: 900000000";
constexpr auto kMaps = "/api/v1/namespaces/default/configmaps?";

TEST_F(ResourceVersion, AListIsOfTheStateThatItAsksFor) {
  struct Case {
    const char* name;
    const char* query;
    const char* items;
  } cases[] = {
      {"unset: the newest", "", "[{data: {state: new}}, {metadata: {name: b}}]"},
      {"0: any, here the newest", "resourceVersion=0", "[{data: {state: new}}, {metadata: {name: b}}]"},
      {"0 with a limit is no exact one", "resourceVersion=0&limit=5", "[{data: {state: new}}, {metadata: {name: b}}]"},
      {"a number: not older", "resourceVersion=$first", "[{data: {state: new}}, {metadata: {name: b}}]"},
      {"a number with a limit: that very state", "resourceVersion=$first&limit=5", "[{data: {state: old}}]"},
      {"NotOlderThan", "resourceVersion=$first&resourceVersionMatch=NotOlderThan",
       "[{data: {state: new}}, {metadata: {name: b}}]"},
      {"NotOlderThan with a limit", "resourceVersion=$first&resourceVersionMatch=NotOlderThan&limit=5",
       "[{data: {state: new}}, {metadata: {name: b}}]"},
      {"NotOlderThan 0", "resourceVersion=0&resourceVersionMatch=NotOlderThan",
       "[{data: {state: new}}, {metadata: {name: b}}]"},
      {"Exact", "resourceVersion=$first&resourceVersionMatch=Exact", "[{data: {state: old}}]"},
      {"Exact, the newest", "resourceVersion=$last&resourceVersionMatch=Exact",
       "[{data: {state: new}}, {metadata: {name: b}}]"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    makeAnew();
    world_.run(std::string("GET ") + kMaps + one.query + "\n=> 200\n  kind: ConfigMapList\n  items: " + one.items +
               "\n");
  }
}

TEST_F(ResourceVersion, WhatDoesNotGoTogetherIsRefused) {
  struct Case {
    const char* name;
    std::string query;
    const char* status;
    const char* message;
  } cases[] = {
      {"a match without a version", "resourceVersionMatch=Exact", "422",
       "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden "
       "unless resourceVersion is provided"},
      {"a match that is none", "resourceVersion=1&resourceVersionMatch=Newest", "422",
       "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Unsupported value: \"Newest\": supported "
       "values: \"Exact\", \"NotOlderThan\", \"\""},
      {"exactly any", "resourceVersion=0&resourceVersionMatch=Exact", "422",
       "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch \"exact\" is "
       "forbidden for resourceVersion \"0\""},
      {"a match with a continue token", "resourceVersion=1&resourceVersionMatch=Exact&continue=x", "422",
       "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden "
       "when continue is provided"},
      {"initial events of a list", "sendInitialEvents=true", "422",
       "ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for "
       "list"},
      {"a version with a continue token", "resourceVersion=1&continue=" + encodeContinuation({1, "a"}), "400",
       "specifying resource version is not allowed when using continue"},
      {"a watch with a match alone", "watch=1&resourceVersion=1&resourceVersionMatch=NotOlderThan", "422",
       "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden "
       "for "
       "watch unless sendInitialEvents is provided"},
      {"initial events without a match", "watch=1&sendInitialEvents=true", "422",
       "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting "
       "resourceVersionMatch to NotOlderThan"},
      {"a token that is none", "continue=%21", "400",
       "invalid continue token: continue key is not valid: illegal base64 data"},
      {"a token of another version", "continue=eyJ2IjoidjIifQ", "400",
       "invalid continue token: continue key is not valid: server does not recognize this encoded version \"v2\""},
      {"a token without a revision", "continue=" + encodeContinuation({0, "a"}), "400",
       "invalid continue token: continue key is not valid: incorrect encoded start resourceVersion (version "
       "meta.k8s.io/v1)"},
      {"a token without a key", "continue=" + encodeContinuation({1, ""}), "400",
       "invalid continue token: continue key is not valid: encoded start key empty (version meta.k8s.io/v1)"},
      {"a version that is to come", "resourceVersion=900000000", "504", kTooLarge},
      {"exactly a version that is to come", "resourceVersion=900000000&resourceVersionMatch=Exact", "504", kTooLarge},
      {"initial events of a version that is to come",
       "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=900000000", "504", kTooLarge},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    auto answer = world_.call("GET", kMaps + one.query);
    EXPECT_EQ(std::to_string(answer.status), one.status);
    auto message = std::string(json::getString(json::parse(answer.body), "message"));
    if (answer.status == 504) message.resize(std::min(message.size(), message.find(", current: ")));
    EXPECT_EQ(message, one.message);
  }
}

TEST_F(ResourceVersion, APageWhoseRevisionIsGoneOffersTheRestAsItIsNow) {
  auto options = storeOptions("");
  options.ringEvents = 2;
  ApiWorld(storage::openMemoryStore(std::move(options))).run(R"(
POST /api/v1/namespaces/default/configmaps
  metadata: {name: a}
=> 201
$old = metadata.resourceVersion
POST /api/v1/namespaces/default/configmaps
  metadata: {name: b}
=> 201
GET /api/v1/namespaces/default/configmaps?limit=1
=> 200
  items: [{metadata: {name: a}}]
$next = metadata.continue
POST /api/v1/namespaces/default/configmaps
  metadata: {name: c}
=> 201
POST /api/v1/namespaces/default/configmaps
  metadata: {name: d}
=> 201
POST /api/v1/namespaces/default/configmaps
  metadata: {name: e}
=> 201
GET /api/v1/namespaces/default/configmaps?limit=2&continue=$next
=> 410
  reason: Expired
  code: 410
  metadata: {continue: "*"}
  message: "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list."
$rest = metadata.continue
GET /api/v1/namespaces/default/configmaps?limit=2&continue=$rest
=> 200
  metadata: {continue: "*", remainingItemCount: 2}
  items: [{metadata: {name: b}}, {metadata: {name: c}}]
$next = metadata.continue
GET /api/v1/namespaces/default/configmaps?continue=$next
=> 200
  metadata: {continue: null}
  items: [{metadata: {name: d}}, {metadata: {name: e}}]
GET /api/v1/namespaces/default/configmaps?resourceVersion=$old&resourceVersionMatch=Exact
=> 410
  reason: Expired
  message: The resourceVersion for the provided list is too old.
  metadata: {continue: null}
GET /api/v1/namespaces/default/configmaps?watch=1&resourceVersion=$old
=> 200
  - {type: ERROR, object: {kind: Status, code: 410, reason: Expired}}
)");
}

TEST_F(ResourceVersion, AWatchBeginsWhereItAsksFor) {
  const std::string state =
      "  - {type: ADDED, object: {metadata: {name: a}, data: {state: new}}}\n"
      "  - {type: ADDED, object: {metadata: {name: b}}}\n";
  const std::string changes =
      "  - {type: ADDED, object: {metadata: {name: b}}}\n"
      "  - {type: MODIFIED, object: {metadata: {name: a}, data: {state: new}}}\n";
  const std::string end =
      "  - {type: BOOKMARK, object: {metadata: {annotations: {k8s.io/initial-events-end: \"true\"}}}}\n";
  const std::string nothing = "  []\n";
  struct Case {
    const char* name;
    const char* query;
    std::string events;
  } cases[] = {
      {"unset: what is there, then what comes", "", state},
      {"0: the same", "&resourceVersion=0", state},
      {"a number: what comes after it", "&resourceVersion=$first", changes},
      {"the newest: nothing", "&resourceVersion=$last", nothing},
      {"no initial events, unset: nothing", "&sendInitialEvents=false&resourceVersionMatch=NotOlderThan", nothing},
      {"no initial events, a number: what comes after it",
       "&sendInitialEvents=false&resourceVersionMatch=NotOlderThan&resourceVersion=$first", changes},
      {"initial events without bookmarks", "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan", state},
      {"initial events not older than a number: the newest, and their end",
       "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=$first&allowWatchBookmarks=true",
       state + end},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    makeAnew();
    world_.run(std::string("GET ") + kMaps + "watch=1&timeoutSeconds=1" + one.query + "\n=> 200\n" + one.events);
  }
}

}  // namespace
}  // namespace wherry::apiserver
