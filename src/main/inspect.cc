#include "main/inspect.h"

#include <ctime>
#include <memory>
#include <stdexcept>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include "main/inspection.h"

namespace wherry::main {
namespace {

constexpr std::string_view kReadme =
    "Made by `wherry inspect`.\n\n"
    "The values of Secrets, private keys and tokens were taken out, and so was what is named as a password or key.\n"
    "ConfigMaps, names, addresses and the ends of the pods' logs are in it as they are: look through them before you\n"
    "hand this on.\n";

struct Options {
  ServerOptions server;
  std::string output;
};

int inspect(Options options) {
  if (::geteuid() != 0) throw std::runtime_error("what the server owns is root's to read: sudo wherry inspect");
  if (options.output.empty()) {
    options.output = fmt::format("wherry-inspect-{:%Y%m%d-%H%M%S}.tar.gz", fmt::gmtime(::time(nullptr)));
  }
  if (options.server.kubeconfig.empty()) options.server.kubeconfig = options.server.dataDir + "/admin.kubeconfig";
  struct Part {
    const char* name;
    void (*add)(const ServerOptions&, ReportArchive&);
  };
  ReportArchive archive(options.output);
  archive.add("README", kReadme);
  for (const Part& part :
       {Part{"status", addStatus}, Part{"objects", addObjects}, Part{"machine", addMachine}, Part{"logs", addLogs}}) {
    fmt::print(stderr, "gathering {}\n", part.name);
    part.add(options.server, archive);
  }
  archive.close();
  fmt::print("{}\n", options.output);
  return 0;
}

}  // namespace

std::function<int()> declareInspect(CLI::App& parser) {
  auto options = std::make_shared<Options>();
  parser
      .add_option("-o,--output", options->output,
                  "the archive; .tar.gz and .tgz are compressed (default: wherry-inspect-DATE.tar.gz)")
      ->type_name("FILE");
  parser.add_option("--data-dir", options->server.dataDir, "the server's data directory")
      ->type_name("DIR")
      ->capture_default_str();
  parser.add_option("--run-dir", options->server.runDir, "the server's run directory")
      ->type_name("DIR")
      ->capture_default_str();
  return [options] { return inspect(*options); };
}

}  // namespace wherry::main
