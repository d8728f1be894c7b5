// schema_codegen API-DIRECTORY OUTPUT-DIRECTORY: a step of the build. Checks the files of api/, and writes
// embedded_api.cc and views/*.h. A file that would not change is left alone, so that nothing is compiled again in vain.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>

#include "json/value.h"
#include "json/yaml.h"
#include "schema/codegen/views.h"
#include "schema/loader.h"

namespace wherry::schema {
namespace {

namespace fs = std::filesystem;

std::string readFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void writeIfChanged(const fs::path& path, const std::string& text) {
  if (fs::exists(path) && readFile(path) == text) return;
  fs::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary);
  out << text;
  if (!out.flush()) throw std::runtime_error(path.string() + ": can't write");
}

json::Value readYaml(const fs::path& path) {
  try {
    return json::parseYaml(readFile(path));
  } catch (const json::ParseError& error) {
    throw std::runtime_error(path.string() + ": " + error.what());
  }
}

std::vector<ApiFile> readApi(const fs::path& directory) {
  std::vector<ApiFile> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.path().extension() != ".yaml") continue;
    files.push_back({entry.path().lexically_relative(directory).generic_string(), readYaml(entry.path())});
  }
  std::ranges::sort(files, {}, &ApiFile::path);
  return files;
}

std::string renderEmbedded(const std::vector<ApiFile>& files) {
  json::Object trees;
  for (const ApiFile& file : files) trees[file.path] = file.tree;
  return "// Generated from api/ by the build.\n#include \"schema/embedded_api.h\"\n\n"
         "#pragma GCC diagnostic ignored \"-Woverlength-strings\"\n\n"
         "namespace wherry::schema {\n\nstd::string_view embeddedApi() {\n  return R\"=-=(" +
         json::serialize(json::Value(std::move(trees))) + ")=-=\";\n}\n\n}  // namespace wherry::schema\n";
}

void generate(const fs::path& api, const fs::path& output) {
  std::vector<ApiFile> files = readApi(api);
  RegistryPtr registry = loadKinds(files);
  writeIfChanged(output / "embedded_api.cc", renderEmbedded(files));
  for (const auto& [name, text] : renderViews(files, *registry)) writeIfChanged(output / "views" / (name + ".h"), text);
}

}  // namespace
}  // namespace wherry::schema

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: schema_codegen API-DIRECTORY OUTPUT-DIRECTORY\n";
    return 2;
  }
  try {
    wherry::schema::generate(argv[1], argv[2]);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
