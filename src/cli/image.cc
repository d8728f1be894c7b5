#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "base/encoding.h"
#include "cli/admin_client.h"
#include "cli/command.h"
#include "cli/patience.h"

namespace wherry::cli {
namespace {

constexpr std::chrono::minutes kPullTimeout{10};

struct Options {
  std::string runDir = "/run/wherry";
  std::string argument;
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
      AdminClient(options.runDir).post("/images/import?file=" + base::encodePercent(path), kPullTimeout);
  for (const json::Value& name : answer.at("images").as_array()) fmt::print("imported {}\n", name.as_string().c_str());
  return 0;
}

int pullImage(const Options& options) {
  json::Value answer =
      AdminClient(options.runDir).post("/images/pull?image=" + base::encodePercent(options.argument), kPullTimeout);
  fmt::print("pulled {}\n", json::getString(answer, "image"));
  return 0;
}

int listImages(const Options& options) {
  json::Value answer = AdminClient(options.runDir).get("/images");
  fmt::print("{:<50} {:<14} {}\n", "IMAGE", "DIGEST", "SIZE");
  for (const json::Value& image : answer.at("images").as_array()) {
    std::string_view digest = json::getString(image, "digest");
    if (size_t colon = digest.find(':'); colon != std::string_view::npos) digest = digest.substr(colon + 1, 12);
    fmt::print("{:<50} {:<14} {}\n", json::getString(image, "name"), digest, humanSize(json::getInt(image, "size")));
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
  CLI::App* remove = parser.add_subcommand("remove", "forget an image that no pod uses");
  remove->add_option("IMAGE", options->argument)->required();
  return [=] {
    if (*import) return importFile(*options);
    if (*pull) return pullImage(*options);
    if (*list) return listImages(*options);
    return removeImage(*options);
  };
}

}  // namespace wherry::cli
