#include <gtest/gtest.h>
#include <fmt/format.h>
#include <algorithm>
#include <chrono>
#include "controllers/cluster.h"
#include "json/yaml.h"
#include "views/core_v1.h"
#include "views/apps_v1.h"
#include "views/discovery_v1.h"
using namespace wherry; using namespace wherry::integration; using Clk=std::chrono::steady_clock;
double ms(Clk::duration d){return std::chrono::duration<double,std::milli>(d).count();}
TEST(Latency, All) {
  Cluster c; c.addNode();
  c.create("{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web0}, ports: [{port: 80}]}}");
  std::vector<double> bound, slice, complete;
  for (int i=0;i<20;i++){
    auto name=fmt::format("web{}",i);
    auto t0=Clk::now();
    c.create(fmt::format(R"({{apiVersion: apps/v1, kind: Deployment, metadata: {{name: {0}}}, spec: {{replicas: 1, selector: {{matchLabels: {{app: {0}}}}}, template: {{metadata: {{labels: {{app: {0}}}}}, spec: {{containers: [{{name: n, image: x}}]}}}}}}}})",name));
    Clk::time_point tb{};
    c.eventually([&]{ auto l=c.list(core_v1::Pod::kResource(),"default","app="+name); return !l.empty() && !core_v1::Pod(l[0]).spec().nodeName().empty();});
    bound.push_back(ms(Clk::now()-t0));
    c.eventually([&]{ auto d=apps_v1::Deployment(c.find(apps_v1::Deployment::kResource(),"default",name)); return d.status().availableReplicas()==1;});
    complete.push_back(ms(Clk::now()-t0));
  }
  auto med=[](std::vector<double> v){std::sort(v.begin(),v.end());return v[v.size()/2];};
  // readiness flip -> slice
  auto pod=c.list(core_v1::Pod::kResource(),"default","app=web0")[0]; std::string pn(pod->metadata().name());
  auto isReady=[&]{auto l=c.list(discovery_v1::EndpointSlice::kResource(),"default","kubernetes.io/service-name=web"); discovery_v1::EndpointSlice s(l[0]); for(auto e: s.endpoints()) return e.conditions().ready(); return false;};
  c.eventually(isReady);
  for(int i=0;i<40;i++){ bool want=i%2; 
    auto t0=Clk::now();
    c.client().patch(core_v1::Pod::kResource(),"default",pn,client::PatchType::kStrategic,json::parseYaml(fmt::format("{{status: {{conditions: [{{type: Ready, status: '{}'}}]}}}}",want?"True":"False")),{.subresource="status"});
    c.eventually([&]{return isReady()==want;});
    slice.push_back(ms(Clk::now()-t0)); }
  fmt::print("bound p50 {:.2f} ms, available p50 {:.2f} ms, ready->slice p50 {:.2f} ms max {:.2f}\n",med(bound),med(complete),med(slice),*std::max_element(slice.begin(),slice.end()));
  fmt::print("writes: deployments {} replicasets {} pods {} slices {} endpoints {} (20 deployments)\n",c.writesOf(apps_v1::Deployment::kResource()),c.writesOf(apps_v1::ReplicaSet::kResource()),c.writesOf(core_v1::Pod::kResource()),c.writesOf(discovery_v1::EndpointSlice::kResource()),c.writesOf(core_v1::Endpoints::kResource()));
}
TEST(Bulk, TwoHundredPods) {
  Cluster c; c.addNode(); c.addNode("b"); 
  auto t0=Clk::now();
  c.create(R"({apiVersion: apps/v1, kind: Deployment, metadata: {name: w}, spec: {replicas: 200, selector: {matchLabels: {app: w}}, template: {metadata: {labels: {app: w}}, spec: {containers: [{name: n, image: x}]}}}})");
  EXPECT_TRUE(c.eventually([&]{ apps_v1::Deployment d(c.find(apps_v1::Deployment::kResource(),"default","w")); return d.status().availableReplicas()==200;}));
  fmt::print("200 pods available in {:.0f} ms; rs writes {} deployment writes {}\n",ms(Clk::now()-t0),c.writesOf(apps_v1::ReplicaSet::kResource()),c.writesOf(apps_v1::Deployment::kResource()));
}
