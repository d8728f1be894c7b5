#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "cli/cluster_options.h"
#include "cli/command.h"
#include "cli/doctor/diagnosis.h"
#include "cli/doctor/gathering.h"
#include "cli/patience.h"
#include "meta/status.h"

namespace wherry::cli {
namespace {

struct Options : ClusterOptions {
  std::string service;
  std::string from;
  std::string output = "text";
};

int examine(const Options& options) {
  return withKubernetesErrors([&] {
    ServiceFacts facts;
    {
      Patience patience("asking the cluster");
      auto api = connect(options);
      facts = gatherServiceFacts(*api, AdminClient(options.runDir), {options.ns, options.service, options.from},
                                 options.clusterDomain);
    }
    Diagnosis diagnosis = diagnose(facts);
    if (options.output == "json")
      fmt::print("{}\n", json::serializePretty(renderJson(diagnosis)));
    else
      fmt::print("{}", renderText(diagnosis));
    return diagnosis.works() ? 0 : 1;
  });
}

}  // namespace

std::function<int()> declareDoctor(CLI::App& parser) {
  auto options = std::make_shared<Options>();
  declareClusterOptions(parser, *options);
  parser.add_option("-o,--output", options->output, "text or json")->check(CLI::IsMember({"text", "json"}));
  parser.require_subcommand(1);
  parser.fallthrough();
  CLI::App* service = parser.add_subcommand("service", "say why a Service works or not");
  service->add_option("NAME", options->service, "the Service")->required();
  service->add_option("--from", options->from, "a pod (NAMESPACE/NAME or NAME): do NetworkPolicies let it connect?")
      ->type_name("POD");
  parser.footer(
      "Looks at the Service, its pods and EndpointSlices, asks the cluster DNS, reads nftables and connects to each\n"
      "endpoint. Exits with 0 when the Service works, and with 1 when not.");
  return [options] { return examine(*options); };
}

}  // namespace wherry::cli
