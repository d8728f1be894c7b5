#include <algorithm>
#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "cli/cluster_options.h"
#include "cli/command.h"
#include "cli/doctor/gathering.h"
#include "cli/patience.h"
#include "cli/resolve/lookup.h"
#include "meta/status.h"

namespace wherry::cli {
namespace {

const std::vector<std::string> kTypes = {"A", "AAAA", "CNAME", "NS", "PTR", "SOA", "SRV", "TXT"};

struct Options : ClusterOptions {
  std::string name;
  std::string type;
  std::string output = "text";
};

template <typename V>
std::vector<V> list(client::Client& api, NameFacts& facts) {
  std::vector<V> views;
  try {
    for (const meta::ObjectPtr& object : api.list(V::kResource(), "").items) views.emplace_back(object);
  } catch (const meta::StatusError& error) {
    facts.unread.push_back(fmt::format("{}: {}", V::kResource().resource, error.what()));
  }
  return views;
}

NameFacts readObjects(const Options& options, const std::vector<Asked>& asked) {
  NameFacts facts{.clusterDomain = options.clusterDomain};
  auto api = connect(options);
  facts.services = list<core_v1::Service>(*api, facts);
  facts.namespaces = list<core_v1::Namespace>(*api, facts);
  facts.slices = list<discovery_v1::EndpointSlice>(*api, facts);
  bool pods = std::any_of(asked.begin(), asked.end(), [&](auto& one) {
    return parseClusterName(one.name, options.clusterDomain).kind == ClusterName::Kind::kPod && hasRecords(one);
  });
  if (pods) facts.pods = list<core_v1::Pod>(*api, facts);
  return facts;
}

// Name after name, as a resolver does, until one has what is asked for or the DNS is silent.
std::vector<Asked> ask(const Options& options) {
  AdminClient node(options.runDir);
  std::string reverse = options.type.empty() || options.type == "PTR" ? reverseNameOf(options.name) : "";
  std::vector<std::string> names = {reverse}, types = {options.type};
  if (options.type.empty())
    types = reverse.empty() ? std::vector<std::string>{"A", "AAAA"} : std::vector<std::string>{"PTR"};
  if (reverse.empty()) names = searchNames(options.name, options.ns, options.clusterDomain);
  std::vector<Asked> asked;
  for (const std::string& name : names) {
    bool found = false;
    for (const std::string& type : types) {
      asked.push_back({name, type, askClusterDns(node, name, type)});
      if (json::find(asked.back().answer, "failure")) return asked;
      found = found || hasRecords(asked.back());
    }
    if (found) break;
  }
  return asked;
}

int resolve(const Options& options) {
  return withKubernetesErrors([&] {
    Lookup lookup{.name = options.name};
    {
      Patience patience("asking the cluster");
      std::vector<Asked> asked = ask(options);
      NameFacts facts = readObjects(options, asked);
      for (const Asked& one : asked) lookup.answers.push_back(explain(facts, one));
      lookup.unread = facts.unread;
    }
    if (options.output == "json")
      fmt::print("{}\n", json::serializePretty(renderJson(lookup)));
    else
      fmt::print("{}", renderText(lookup));
    return lookup.found() ? 0 : 1;
  });
}

}  // namespace

std::function<int()> declareResolve(CLI::App& parser) {
  auto options = std::make_shared<Options>();
  parser.add_option("NAME", options->name, "a name as a pod would ask for it, or an address")->required();
  parser.add_option("TYPE", options->type, "the type of records (default: A and AAAA; of an address PTR)")
      ->transform(CLI::IsMember(kTypes, CLI::ignore_case));
  declareClusterOptions(parser, *options);
  parser.add_option("-o,--output", options->output, "text or json")->check(CLI::IsMember({"text", "json"}));
  parser.footer(
      "Asks the cluster DNS as a pod of the namespace does (search path, ndots:5; a last dot keeps a name as it is) "
      "and\n"
      "says which object each record comes from, or why there is none. Exits with 1 when there is none.");
  return [options] { return resolve(*options); };
}

}  // namespace wherry::cli
