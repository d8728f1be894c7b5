#include <algorithm>

#include <gtest/gtest.h>

#include "json/yaml.h"
#include "schema/merge.h"

namespace wherry::schema {
namespace {

constexpr const char* kNow = "2026-01-02T03:04:05Z";

const Kind& kindNamed(const meta::GroupVersionKind& name) { return *builtinRegistry()->findKind(name); }
const Kind& configMap() { return kindNamed({"", "v1", "ConfigMap"}); }
const Kind& service() { return kindNamed({"", "v1", "Service"}); }
const Kind& pod() { return kindNamed({"", "v1", "Pod"}); }

json::Value yaml(const std::string& text) { return json::parseYaml(text); }

Manager manager(const char* name, const char* subresource = "") { return {name, "v1", subresource, kNow}; }

json::Value apply(const Kind& kind, const json::Value& live, const char* applied, const char* name,
                  Force force = Force::kNo) {
  return serverSideApply(kind, live, yaml(applied), manager(name), force);
}

// "tester Apply {fields}" for each entry.
std::string managers(const json::Value& object) {
  std::string text;
  const json::Value* entries = json::find(object, "metadata.managedFields");
  if (entries == nullptr) return "none";
  for (const json::Value& entry : entries->get_array()) {
    text += std::string(json::getString(entry, "manager")) + " " + std::string(json::getString(entry, "operation")) +
            " " + json::serialize(entry.at("fieldsV1")) + "\n";
  }
  return text;
}

TEST(ApplyTest, recordsWhatItCreates) {
  json::Value live = apply(configMap(), nullptr, "{metadata: {name: cm}, data: {a: '1'}}", "tester");
  EXPECT_EQ(
      json::serialize(live.at("metadata").at("managedFields")),
      R"([{"manager":"tester","operation":"Apply","apiVersion":"v1","time":"2026-01-02T03:04:05Z","fieldsType":"FieldsV1",)"
      R"("fieldsV1":{"f:data":{"f:a":{}}}}])");
}

TEST(ApplyTest, dropsWhatItNoLongerApplies) {
  json::Value live = apply(configMap(), nullptr, "{metadata: {name: cm}, data: {a: '1', b: '2'}}", "tester");
  live = apply(configMap(), live, "{metadata: {name: cm}, data: {a: '3'}}", "tester");
  EXPECT_EQ(json::serialize(live.at("data")), R"({"a":"3"})");
  EXPECT_EQ(managers(live), "tester Apply {\"f:data\":{\"f:a\":{}}}\n");
  live = apply(configMap(), live, "{metadata: {name: cm}}", "tester");
  EXPECT_EQ(live.get_object().if_contains("data"), nullptr);
  EXPECT_EQ(managers(live), "none");
}

TEST(ApplyTest, refusesToTakeAnotherOnesField) {
  json::Value live = apply(configMap(), nullptr, "{metadata: {name: cm}, data: {a: '1'}}", "one");
  try {
    apply(configMap(), live, "{metadata: {name: cm}, data: {a: '2'}}", "two");
    FAIL();
  } catch (const meta::StatusError& error) {
    EXPECT_EQ(
        json::serialize(error.toJson()),
        R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",)"
        R"("message":"Apply failed with 1 conflict: conflict with \"one\": .data.a","reason":"Conflict","details":{"causes":[)"
        R"({"reason":"FieldManagerConflict","message":"conflict with \"one\"","field":".data.a"}]},"code":409})");
  }
  live = apply(configMap(), live, "{metadata: {name: cm}, data: {a: '2'}}", "two", Force::kYes);
  EXPECT_EQ(managers(live), "two Apply {\"f:data\":{\"f:a\":{}}}\n");
}

TEST(ApplyTest, namesEveryConflict) {
  json::Value live = apply(configMap(), nullptr, "{metadata: {name: cm}, data: {a: '1', b: '1'}}", "one");
  json::Value changed = live;
  changed.at("data").as_object()["b"] = "2";
  recordUpdate(configMap(), live, changed, manager("kubectl-edit"));
  try {
    apply(configMap(), changed, "{metadata: {name: cm}, data: {a: '3', b: '3'}}", "two");
    FAIL();
  } catch (const meta::StatusError& error) {
    EXPECT_EQ(error.message(),
              "Apply failed with 2 conflicts: conflicts with \"one\":\n- .data.a\nconflicts with \"kubectl-edit\" "
              "using v1:\n- .data.b");
  }
}

TEST(ApplyTest, namesConflictsInListsByTheirKeys) {
  json::Value live =
      apply(service(), nullptr, "{metadata: {name: s}, spec: {ports: [{port: 53, name: a, protocol: UDP}]}}", "one");
  try {
    apply(service(), live, "{metadata: {name: s}, spec: {ports: [{port: 53, name: b, protocol: UDP}]}}", "two");
    FAIL();
  } catch (const meta::StatusError& error) {
    EXPECT_EQ(error.message(),
              "Apply failed with 1 conflict: conflict with \"one\": .spec.ports[port=53,protocol=\"UDP\"].name");
  }
}

TEST(ApplyTest, equalValuesAreShared) {
  json::Value live = apply(configMap(), nullptr, "{metadata: {name: cm}, data: {a: '1'}}", "one");
  live = apply(configMap(), live, "{metadata: {name: cm}, data: {a: '1'}}", "two");
  // Who has changed nothing yet has no time, and stands first.
  EXPECT_EQ(managers(live), "two Apply {\"f:data\":{\"f:a\":{}}}\none Apply {\"f:data\":{\"f:a\":{}}}\n");
  EXPECT_EQ(live.at("metadata").at("managedFields").at(0).as_object().if_contains("time"), nullptr);
  live = apply(configMap(), live, "{metadata: {name: cm}, data: {b: '1'}}", "one");
  EXPECT_EQ(json::serialize(live.at("data")), R"({"a":"1","b":"1"})");
}

TEST(ApplyTest, theSameAgainChangesNothing) {
  json::Value live = apply(configMap(), nullptr, "{metadata: {name: cm}, data: {a: '1'}}", "one");
  json::Value again = serverSideApply(configMap(), live, yaml("{metadata: {name: cm}, data: {a: '1'}}"),
                                      {"one", "v1", "", "2027-01-01T00:00:00Z"}, Force::kNo);
  EXPECT_EQ(json::serialize(again), json::serialize(live));
}

TEST(ApplyTest, tellsPortsByNumberAndProtocol) {
  json::Value live = apply(service(), nullptr,
                           "{metadata: {name: s}, spec: {ports: [{name: a, port: 53}, {name: b, port: 53, protocol: "
                           "UDP}], selector: {app: s}}}",
                           "one");
  EXPECT_EQ(managers(live),
            "one Apply "
            "{\"f:spec\":{\"f:ports\":{\"k:{\\\"port\\\":53,\\\"protocol\\\":\\\"TCP\\\"}\":{\".\":{},\"f:name\":{},"
            "\"f:port\":{}},"
            "\"k:{\\\"port\\\":53,\\\"protocol\\\":\\\"UDP\\\"}\":{\".\":{},\"f:name\":{},\"f:port\":{},\"f:protocol\":"
            "{}}},\"f:selector\":{}}}\n");
  live = apply(service(), live,
               "{metadata: {name: s}, spec: {ports: [{name: b, port: 53, protocol: UDP}], selector: {app: s}}}", "one");
  EXPECT_EQ(json::serialize(live.at("spec").at("ports")), R"([{"name":"b","port":53,"protocol":"UDP"}])");
}

TEST(ApplyTest, aSelectorIsOneValue) {
  json::Value live =
      apply(service(), nullptr, "{metadata: {name: s}, spec: {ports: [{port: 80}], selector: {a: '1'}}}", "one");
  const char* other = "{metadata: {name: s}, spec: {ports: [{port: 80}], selector: {b: '2'}}}";
  EXPECT_THROW(apply(service(), live, other, "two"), meta::StatusError);
  live = apply(service(), live, other, "two", Force::kYes);
  EXPECT_EQ(json::serialize(live.at("spec").at("selector")), R"({"b":"2"})");
}

TEST(ApplyTest, finalizersAreASet) {
  json::Value live = apply(configMap(), nullptr, "{metadata: {name: cm, finalizers: [a.io/x]}}", "one");
  live = apply(configMap(), live, "{metadata: {name: cm, finalizers: [a.io/y]}}", "two");
  EXPECT_EQ(json::serialize(live.at("metadata").at("finalizers")), R"(["a.io/x","a.io/y"])");
  live = apply(configMap(), live, "{metadata: {name: cm}}", "one");
  EXPECT_EQ(json::serialize(live.at("metadata").at("finalizers")), R"(["a.io/y"])");
}

TEST(ApplyTest, keepsDefaultsBesideWhatItDrops) {
  json::Value live = apply(
      pod(), nullptr,
      "{metadata: {name: p}, spec: {hostname: h, containers: [{name: a, image: i}, {name: b, image: i}]}}", "one");
  live.at("spec").as_object()["restartPolicy"] = "Always";
  live = apply(pod(), live, "{metadata: {name: p}, spec: {containers: [{name: b, image: i}]}}", "one");
  EXPECT_EQ(json::serialize(live.at("spec")), R"({"containers":[{"name":"b","image":"i"}],"restartPolicy":"Always"})");
}

TEST(ApplyTest, statusIsItsOwnManagersMatter) {
  json::Value live =
      apply(pod(), nullptr, "{metadata: {name: p}, spec: {containers: [{name: a}]}, status: {phase: Failed}}", "one");
  EXPECT_EQ(managers(live),
            "one Apply {\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"a\\\"}\":{\".\":{},\"f:name\":{}}}}}\n");
  live = serverSideApply(pod(), live, yaml("{metadata: {name: p}, status: {phase: Running}}"), manager("ctl", "status"),
                         Force::kNo);
  EXPECT_EQ(json::getString(live, "metadata.managedFields.0.manager"), "ctl");
  EXPECT_EQ(json::getString(live, "metadata.managedFields.0.subresource"), "status");
}

TEST(ApplyTest, refusesManagedFields) {
  EXPECT_THROW(apply(configMap(), nullptr, "{metadata: {name: cm, managedFields: [{manager: x}]}}", "tester"),
               meta::StatusError);
}

// What refuses the applied configuration; "" when nothing does.
std::string refusal(const Kind& kind, const char* applied) {
  try {
    apply(kind, nullptr, applied, "tester");
    return "";
  } catch (const meta::StatusError& error) {
    EXPECT_EQ(error.code(), 500);
    return error.message();
  }
}

TEST(ApplyTest, refusesElementsThatItCannotTellApart) {
  struct Case {
    const char* description;
    const Kind& kind;
    const char* applied;
    const char* refusal;
  };
  const Kind& networkPolicy = kindNamed({"networking.k8s.io", "v1", "NetworkPolicy"});
  const Case cases[] = {
      {"a key is missing", kindNamed({"", "v1", "ServiceAccount"}),
       "{metadata: {name: s, namespace: n}, secrets: [{name: a}, {namespace: b}]}",
       "failed to create typed patch object (n/s; /v1, Kind=ServiceAccount): .secrets: element 1: associative list "
       "with "
       "keys has an element that omits key field \"name\" (and doesn't have default value)"},
      {"a key that a struct always has", pod(), "{metadata: {name: p}, spec: {containers: [{image: i}]}}", ""},
      {"a key that a struct always has, twice", pod(),
       "{metadata: {name: p}, spec: {containers: [{image: i}, {image: j}]}}",
       "failed to create typed patch object (/p; /v1, Kind=Pod): .spec.containers: duplicate entries for key "
       "[name=\"\"]"},
      {"a key twice", pod(), "{metadata: {name: p}, spec: {containers: [{name: a}, {name: b}, {name: a}]}}",
       "failed to create typed patch object (/p; /v1, Kind=Pod): .spec.containers: duplicate entries for key "
       "[name=\"a\"]"},
      {"a key twice, once by its default", service(),
       "{metadata: {name: s}, spec: {ports: [{port: 53}, {port: 53, protocol: TCP}, {port: 53, protocol: UDP}]}}",
       "failed to create typed patch object (/s; /v1, Kind=Service): .spec.ports: duplicate entries for key "
       "[port=53,protocol=\"TCP\"]"},
      {"a value of a set twice", configMap(), "{metadata: {name: cm, finalizers: [a.io/x, a.io/x]}}",
       "failed to create typed patch object (/cm; /v1, Kind=ConfigMap): .metadata.finalizers: duplicate entries for "
       "key [=\"a.io/x\"]"},
      {"more than one mistake, in a list within a list", kindNamed({"apps", "v1", "Deployment"}),
       "{metadata: {name: d}, spec: {template: {spec: {containers: [{name: c, env: [{name: A}, {name: A}], ports: "
       "[{containerPort: 1}, null, {containerPort: 1}]}]}}}}",
       "failed to create typed patch object (/d; apps/v1, Kind=Deployment): errors:\n"
       "  .spec.template.spec.containers[name=\"c\"].env: duplicate entries for key [name=\"A\"]\n"
       "  .spec.template.spec.containers[name=\"c\"].ports: element 1: associative list with keys may not have a null "
       "element\n"
       "  .spec.template.spec.containers[name=\"c\"].ports: duplicate entries for key "
       "[containerPort=1,protocol=\"TCP\"]"},
      {"nothing", pod(), "{metadata: {name: p}, spec: {containers: [null]}}",
       "failed to create typed patch object (/p; /v1, Kind=Pod): .spec.containers: element 0: associative list with "
       "keys may not have a null element"},
      {"a text", pod(), "{metadata: {name: p}, spec: {containers: [c]}}",
       "failed to create typed patch object (/p; /v1, Kind=Pod): .spec.containers: element 0: associative list with "
       "keys may not have non-map elements"},
      {"an object in a set", configMap(), "{metadata: {name: cm, finalizers: [{}]}}",
       "failed to create typed patch object (/cm; /v1, Kind=ConfigMap): .metadata.finalizers: element 0: associative "
       "list without keys has an element that's a map type"},
      {"atomic lists may repeat", networkPolicy,
       "{metadata: {name: n}, spec: {podSelector: {}, ingress: [{ports: [{port: 1}, {port: 1}]}, {}, {}]}}", ""},
  };
  for (const Case& c : cases) EXPECT_EQ(refusal(c.kind, c.applied), c.refusal) << c.description;
}

TEST(ApplyTest, saysBoundedlyManyMistakes) {
  std::string applied = "{metadata: {name: cm, finalizers: [x";
  for (int i = 0; i < 1000; ++i) applied += ", x";
  std::string text = refusal(configMap(), (applied + "]}}").c_str());
  EXPECT_EQ(std::ranges::count(text, '\n'), 100);
}

// Creates and updates may repeat elements: these are owned as one, and apply replaces all of them.
TEST(ApplyTest, repeatedElementsAreOwnedAsOne) {
  json::Value live = yaml(
      "{metadata: {name: p}, spec: {containers: [{name: c, image: i, env: [{name: A, value: '1'}, {name: B, value: "
      "'1'}, {name: "
      "A, value: '2'}]}]}}");
  recordUpdate(pod(), nullptr, live, manager("updater"));
  EXPECT_EQ(managers(live), R"(updater Update {"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:env":{".":{},)"
                            R"("k:{\"name\":\"A\"}":{},"k:{\"name\":\"B\"}":{".":{},"f:name":{},"f:value":{}}},)"
                            R"("f:image":{},"f:name":{},"f:resources":{}}}}})"
                            "\n");
  auto env = [&](const char* elements) {
    return std::string("{metadata: {name: p}, spec: {containers: [{name: c, env: ") + elements + "}]}}";
  };
  const json::Value* list = nullptr;

  json::Value other = apply(pod(), live, env("[{name: C, value: '3'}]").c_str(), "applier");
  list = json::find(other, "spec.containers.0.env");
  EXPECT_EQ(json::serialize(*list), R"([{"name":"A","value":"1"},{"name":"B","value":"1"},{"name":"A","value":"2"},)"
                                    R"({"name":"C","value":"3"}])");

  std::string one = env("[{name: A, value: '2'}]");
  EXPECT_THROW(apply(pod(), live, one.c_str(), "applier"), meta::StatusError);
  live = apply(pod(), live, one.c_str(), "applier", Force::kYes);
  list = json::find(live, "spec.containers.0.env");
  EXPECT_EQ(json::serialize(*list), R"([{"name":"A","value":"2"},{"name":"B","value":"1"}])");
  EXPECT_EQ(json::serialize(apply(pod(), live, one.c_str(), "applier")), json::serialize(live));
}

TEST(RecordUpdateTest, changesOfRepeatedElementsAreChangesOfAll) {
  struct Case {
    const char* description;
    const char* before;
    const char* after;
    const char* owner;  // of A afterwards
  };
  const Case cases[] = {
      {"untouched", "[{name: A}, {name: A}]", "[{name: A}, {name: A}]", "one"},
      {"moved apart", "[{name: A}, {name: A}]", "[{name: A}, {name: B}, {name: A}]", "one"},
      {"one changed", "[{name: A}, {name: A}]", "[{name: A}, {name: A, value: x}]", "two"},
      {"repeated", "[{name: A}]", "[{name: A}, {name: A}]", "two"},
      {"no longer repeated", "[{name: A}, {name: A}]", "[{name: A}]", "two"},
  };
  auto podWith = [](const char* env) {
    return yaml(std::string("{metadata: {name: p}, spec: {containers: [{name: c, env: ") + env + "}]}}");
  };
  for (const Case& c : cases) {
    json::Value before = podWith(c.before);
    recordUpdate(pod(), nullptr, before, manager("one"));
    json::Value after = podWith(c.after);
    recordUpdate(pod(), before, after, manager("two"));
    std::string owners = managers(after);
    std::string owner;
    for (size_t at = 0, end; at < owners.size(); at = end + 1) {
      end = owners.find('\n', at);
      std::string line = owners.substr(at, end - at);
      if (line.find(R"(\"A\")") != std::string::npos) owner += line.substr(0, 3);
    }
    EXPECT_EQ(owner, c.owner) << c.description << "\n" << owners;
  }
}

TEST(ApplyTest, adoptsWhatNobodyTracked) {
  json::Value live = apply(configMap(), yaml("{metadata: {name: cm}, data: {a: '1'}}"),
                           "{metadata: {name: cm}, data: {b: '1'}}", "one");
  EXPECT_EQ(managers(live),
            "one Apply {\"f:data\":{\"f:b\":{}}}\nbefore-first-apply Update {\"f:data\":{\".\":{},\"f:a\":{}}}\n");
}

TEST(RecordUpdateTest, ownsWhatItCreates) {
  json::Value created = yaml("{metadata: {name: cm, labels: {l: x}}, data: {a: '1'}}");
  recordUpdate(configMap(), nullptr, created, manager("oracle"));
  EXPECT_EQ(managers(created),
            "oracle Update {\"f:data\":{\".\":{},\"f:a\":{}},\"f:metadata\":{\"f:labels\":{\".\":{},\"f:l\":{}}}}\n");
}

TEST(RecordUpdateTest, structsThatAreAlwaysThereAreNotItsOwn) {
  json::Value created = yaml(
      "{metadata: {name: p}, spec: {containers: [{name: c, image: i, resources: {}}], restartPolicy: Always, "
      "securityContext: {}}, status: "
      "{phase: Pending}}");
  recordUpdate(pod(), nullptr, created, manager("oracle"));
  EXPECT_EQ(managers(created),
            "oracle Update "
            "{\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"c\\\"}\":{\".\":{},\"f:image\":{},\"f:name\":{},\"f:"
            "resources\":{}}},"
            "\"f:restartPolicy\":{},\"f:securityContext\":{}}}\n");
}

TEST(RecordUpdateTest, takesWhatItChangesAndLosesWhatItRemoves) {
  json::Value created = yaml("{metadata: {name: cm}, data: {a: '1', b: '1', c: '1'}}");
  recordUpdate(configMap(), nullptr, created, manager("one"));
  json::Value changed = created;
  changed.at("data") = {{"a", "1"}, {"b", "2"}};
  recordUpdate(configMap(), created, changed, manager("two"));
  EXPECT_EQ(managers(changed), "one Update {\"f:data\":{\".\":{},\"f:a\":{}}}\ntwo Update {\"f:data\":{\"f:b\":{}}}\n");
}

TEST(RecordUpdateTest, anEmptyEntryClearsAll) {
  json::Value created = yaml("{metadata: {name: cm}, data: {a: '1'}}");
  recordUpdate(configMap(), nullptr, created, manager("one"));
  json::Value cleared = created;
  cleared.at("metadata").as_object()["managedFields"] = json::Array{json::Object()};
  recordUpdate(configMap(), created, cleared, manager("one"));
  EXPECT_EQ(managers(cleared), "none");
}

TEST(RecordUpdateTest, aClientThatForgetsThemChangesNothing) {
  json::Value created = yaml("{metadata: {name: cm}, data: {a: '1'}}");
  recordUpdate(configMap(), nullptr, created, manager("one"));
  json::Value replaced = yaml("{metadata: {name: cm}, data: {a: '1'}}");
  recordUpdate(configMap(), created, replaced, manager("two"));
  EXPECT_EQ(managers(replaced), managers(created));
}

TEST(RecordUpdateTest, keepsTenUpdaters) {
  json::Value object = yaml("{metadata: {name: cm}, data: {}}");
  recordUpdate(configMap(), nullptr, object, manager("first"));
  for (int i = 0; i < 15; ++i) {
    json::Value before = object;
    std::string name = "updater-" + std::to_string(100 + i);
    json::ensureObject(object.as_object(), "data")[name] = "x";
    recordUpdate(configMap(), before, object, {name, "v1", "", "2026-01-02T03:04:" + std::to_string(10 + i) + "Z"});
  }
  const json::Array& entries = object.at("metadata").at("managedFields").as_array();
  EXPECT_EQ(entries.size(), 10u);
  EXPECT_EQ(json::getString(entries[0], "manager"), "ancient-changes");
}

}  // namespace
}  // namespace wherry::schema
