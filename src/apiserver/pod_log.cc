#include "apiserver/pod_log.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "meta/status.h"
#include "net/exchange_sink.h"

namespace wherry::apiserver {
namespace {

std::optional<int64_t> numberOf(const Query& query, std::string_view name) {
  auto text = query.get(name);
  if (text.empty()) return std::nullopt;
  auto number = base::parseInt<int64_t>(text);
  if (!number || *number < 0) {
    throw meta::invalid(
        {"", "v1", "PodLogOptions"}, "",
        {meta::invalidField(std::string(name), json::Value(text), "must be greater than or equal to 0")});
  }
  return number;
}

client::LogOptions optionsOf(const Query& query) {
  client::LogOptions options;
  options.container = query.get("container");
  options.follow = query.flag("follow");
  options.previous = query.flag("previous");
  options.timestamps = query.flag("timestamps");
  options.sinceSeconds = numberOf(query, "sinceSeconds");
  options.sinceTime = query.get("sinceTime");
  options.tailLines = numberOf(query, "tailLines");
  options.limitBytes = numberOf(query, "limitBytes");
  return options;
}

std::vector<std::string> containerNames(const json::Value& pod) {
  std::vector<std::string> names;
  for (auto path : {"spec.initContainers", "spec.containers", "spec.ephemeralContainers"}) {
    const auto* list = json::find(pod, path);
    if (!list || !list->is_array()) continue;
    for (const auto& container : list->get_array()) names.emplace_back(json::getString(container, "name"));
  }
  return names;
}

std::string chooseContainer(const meta::Object& pod, const std::string& wanted) {
  auto names = containerNames(pod.tree());
  if (wanted.empty()) {
    const auto* regular = json::find(pod.tree(), "spec.containers");
    bool single = regular && regular->is_array() && regular->get_array().size() == 1;
    if (single) return std::string(json::getString(regular->get_array()[0], "name"));
    throw meta::badRequest(fmt::format("a container name must be specified for pod {}, choose one of: [{}]",
                                       pod.metadata().name(), base::join(names, " ")));
  }
  if (std::find(names.begin(), names.end(), wanted) != names.end()) return wanted;
  throw meta::badRequest(fmt::format("container {} is not valid for pod {}", wanted, pod.metadata().name()));
}

}  // namespace

void streamPodLog(const Backend& backend, const RequestInfo& info, net::ExchangePtr exchange) {
  auto options = optionsOf(info.query);
  auto pod = backend.objects.find({"", "pods"}, info.ns, info.name);
  if (!pod) throw meta::notFound({"", "pods"}, info.name);
  options.container = chooseContainer(*pod, options.container);
  auto node = json::getString(pod->tree(), "spec.nodeName");
  if (node.empty()) throw meta::badRequest(fmt::format("pod {} does not have a host assigned", info.name));
  auto connection = backend.nodes ? backend.nodes(node) : nullptr;
  if (!connection) throw meta::serviceUnavailable(fmt::format("node {} can't be reached", node));
  net::Headers headers;
  headers.add("Content-Type", "text/plain");
  headers.add("Cache-Control", "no-cache, private");
  connection->logs(info.ns, info.name, pod->metadata().uid(), options,
                   net::newExchangeSink(std::move(exchange), std::move(headers)));
}

}  // namespace wherry::apiserver
