#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>

#include <fmt/format.h>
#include <unistd.h>

#include "base/encoding.h"
#include "cli/admin_client.h"
#include "cli/command.h"
#include "cli/patience.h"

namespace wherry::cli {
namespace {

constexpr std::chrono::minutes kImportTimeout{10};

struct Options {
  std::string runDir = "/run/wherry";
  std::string argument;
  bool all = false;
};

std::string humanSize(int64_t bytes) {
  if (bytes >= 1'000'000'000) return fmt::format("{:.1f} GB", static_cast<double>(bytes) / 1e9);
  if (bytes >= 1'000'000) return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
  return fmt::format("{:.1f} kB", static_cast<double>(bytes) / 1e3);
}

int importFile(const Options& options) {
  std::string path = std::filesystem::absolute(options.argument);
  Patience patience("importing " + options.argument);
  json::Value answer =
      AdminClient(options.runDir).post("/images/import?file=" + base::encodePercent(path), kImportTimeout);
  for (const json::Value& name : answer.at("images").as_array()) fmt::print("imported {}\n", name.as_string().c_str());
  return 0;
}

// What it waits for is shown every second: on a terminal in one line that is written anew.
int pullImage(const Options& options) {
  bool terminal = ::isatty(STDERR_FILENO) != 0;
  const char* before = terminal ? "\r\x1b[K" : "";
  std::string pulled, wrong;
  AdminClient(options.runDir).postLines("/images/pull?image=" + base::encodePercent(options.argument), [&](auto& line) {
    pulled = json::getString(line, "image");
    wrong = json::getString(line, "message");
    std::string_view progress = json::getString(line, "progress");
    if (!progress.empty()) fmt::print(stderr, "{}{}: {}{}", before, options.argument, progress, terminal ? "" : "\n");
    std::fflush(stderr);
  });
  if (terminal) fmt::print(stderr, "{}", before);
  if (pulled.empty()) {
    throw std::runtime_error(fmt::format("can't pull {}: {}", options.argument,
                                         wrong.empty() ? "the server ended before the pull did" : wrong));
  }
  fmt::print("pulled {}\n", pulled);
  return 0;
}

int pruneImages(const Options& options) {
  json::Value answer =
      AdminClient(options.runDir).post(options.all ? "/images/prune?all=true" : "/images/prune", kImportTimeout);
  const auto& names = answer.at("images").as_array();
  for (const json::Value& name : names) fmt::print("removed {}\n", name.as_string().c_str());
  if (names.empty()) fmt::print("nothing to remove\n");
  return 0;
}

int listImages(const Options& options) {
  json::Value answer = AdminClient(options.runDir).get("/images");
  fmt::print("{:<50} {:<14} {:<10} {:<10} {}\n", "IMAGE", "DIGEST", "SIZE", "SOURCE", "USED");
  for (const json::Value& image : answer.at("images").as_array()) {
    std::string_view digest = json::getString(image, "digest");
    if (size_t colon = digest.find(':'); colon != std::string_view::npos) digest = digest.substr(colon + 1, 12);
    fmt::print("{:<50} {:<14} {:<10} {:<10} {}\n", json::getString(image, "name"), digest,
               humanSize(json::getInt(image, "size")), json::getString(image, "source"),
               json::getBool(image, "inUse") ? "yes" : "no");
  }
  return 0;
}

int removeImage(const Options& options) {
  AdminClient(options.runDir).remove("/images?image=" + base::encodePercent(options.argument));
  fmt::print("removed {}\n", options.argument);
  return 0;
}

}  // namespace

std::function<int()> declareImage(CLI::App& parser) {
  auto options = std::make_shared<Options>();
  parser.add_option("--run-dir", options->runDir, "the server's run directory")->capture_default_str();
  parser.require_subcommand(1);
  parser.fallthrough();
  CLI::App* import = parser.add_subcommand("import", "add the images of an archive (OCI or docker)");
  import->add_option("FILE", options->argument, "the archive")->required()->check(CLI::ExistingFile);
  CLI::App* pull = parser.add_subcommand("pull", "fetch an image from its registry");
  pull->add_option("IMAGE", options->argument)->required();
  CLI::App* list = parser.add_subcommand("list", "show the images of this node");
  CLI::App* prune = parser.add_subcommand("prune", "forget the pulled images that no pod uses");
  prune->add_flag("--all", options->all, "the imported ones too, which no registry gives again");
  CLI::App* remove = parser.add_subcommand("remove", "forget an image that no pod uses");
  remove->add_option("IMAGE", options->argument)->required();
  return [=] {
    if (*import) return importFile(*options);
    if (*pull) return pullImage(*options);
    if (*prune) return pruneImages(*options);
    if (*list) return listImages(*options);
    return removeImage(*options);
  };
}

}  // namespace wherry::cli
