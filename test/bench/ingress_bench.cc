// How long Ingresses take to become HAProxy's configuration: each has a host and two paths to a Service of three
// endpoints, one of them with annotations; and what a change of one's endpoints costs among them, but for HAProxy's
// part. `ingress_bench [ingresses]` prints one figure a line.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "ingress/haproxy_config.h"
#include "ingress/ingress_classes.h"
#include "ingress/ingress_routes.h"
#include "ingress/section_servers.h"
#include "json/yaml.h"

namespace {

using namespace wherry;

constexpr int kRounds = 7;

double milliseconds(const std::function<void()>& work) {
  auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

meta::ObjectPtr objectOf(const std::string& yaml) {
  return std::make_shared<const meta::Object>(json::parseYaml(yaml));
}

struct World {
  explicit World(int count) {
    for (json::Value& tree : ingress::missingClasses({})) {
      objects.classes.emplace_back(std::make_shared<const meta::Object>(std::move(tree)));
    }
    for (int i = 0; i < count; ++i) {
      objects.ingresses.emplace_back(objectOf(fmt::format(R"(
metadata:
  name: site-{0}
  namespace: default
  annotations: {{nginx.ingress.kubernetes.io/proxy-body-size: 8m, nginx.ingress.kubernetes.io/enable-cors: "true"}}
spec:
  ingressClassName: wherry
  rules:
  - host: site-{0}.example.com
    http:
      paths:
      - {{path: /, pathType: Prefix, backend: {{service: {{name: web-{0}, port: {{number: 80}}}}}}}}
      - {{path: /api, pathType: Prefix, backend: {{service: {{name: web-{0}, port: {{number: 80}}}}}}}}
)",
                                                          i)));
      std::string name = fmt::format("web-{}", i);
      services[name] = objectOf(
          fmt::format("{{metadata: {{name: {}, namespace: default}}, spec: {{ports: [{{port: 80}}]}}}}", name));
      endpoints[{"default", name, ""}] = {{"10.244.0.1", 80, ""}, {"10.244.0.2", 80, ""}, {"10.244.0.3", 80, ""}};
    }
  }

  ingress::IngressObjects objects;
  std::map<std::string, meta::ObjectPtr, std::less<>> services;
  ingress::Endpoints endpoints;
};

ingress::Shape shapeOf(const World& world) {
  auto none = [](std::string_view, std::string_view) { return meta::ObjectPtr(); };
  ingress::Sources sources{.service =
                               [&](std::string_view, std::string_view name) {
                                 auto found = world.services.find(name);
                                 return found == world.services.end() ? nullptr : found->second;
                               },
                           .secret = none,
                           .nameSpace = none};
  auto routes = ingress::routeIngresses(world.objects, sources);
  ingress::Settings settings{.directory = "/run/wherry/ingress"};
  return ingress::renderShape(routes.model, settings, "");
}

size_t render(const World& world) {
  const ingress::Settings settings{.directory = "/run/wherry/ingress"};
  const ingress::Shape shape = shapeOf(world);
  std::map<std::string, ingress::Servers> servers;
  for (const auto& [name, section] : shape.sections) {
    servers[name] = ingress::placeServers({}, ingress::wantedServers(section.backend, world.endpoints));
  }
  return ingress::withServers(shape, servers, settings).size();
}

// An endpoint comes and goes.
double changeEndpoints(const World& world) {
  constexpr int kChanges = 1000;
  const ingress::Shape shape = shapeOf(world);
  std::vector<ingress::Endpoint> more = {{"10.244.0.4", 80, ""}};
  bool isThere = false;
  ingress::SectionServers servers([&](const ingress::ServicePort& port, std::optional<base::IpFamily>) {
    return isThere && port.service == "web-0" ? more : world.endpoints.at(port);
  });
  servers.set(shape.sections, servers.placeAll(shape.sections));
  double all = milliseconds([&] {
    for (int i = 0; i < kChanges; ++i) {
      isThere = !isThere;
      servers.update(servers.placeChanged(shape.sections, {"default/web-0"}));
    }
  });
  return all / kChanges;
}

}  // namespace

int main(int argc, char** argv) {
  int count = argc > 1 ? std::atoi(argv[1]) : 1000;
  const World world(count);
  std::vector<double> times;
  size_t bytes = 0;
  for (int i = 0; i < kRounds; ++i) times.push_back(milliseconds([&] { bytes = render(world); }));
  std::sort(times.begin(), times.end());
  std::printf("%d Ingresses to a configuration of %zu kB: %.1f ms (median of %d), %.1f ms at most\n", count,
              bytes / 1000, times[kRounds / 2], kRounds, times.back());
  std::printf("a change of endpoints of one of them: %.1f us\n", changeEndpoints(world) * 1000);
}
