#include "cli/config_file.h"

#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/fd.h"
#include "json/yaml.h"

namespace wherry::cli {
namespace {

// Flags that say what to do now, not how things are.
const std::set<std::string, std::less<>> kNoKeys = {"config", "help"};

CLI::Option* findOption(CLI::App& parser, const std::string& key) {
  if (kNoKeys.contains(key)) return nullptr;
  return parser.get_option_no_throw("--" + key);
}

bool isList(const CLI::Option& option) { return option.get_expected_max() > 1; }
bool isSwitch(const CLI::Option& option) { return option.get_items_expected_max() == 0; }
bool isNumber(const CLI::Option& option) {
  std::string type = option.get_type_name();
  return type.starts_with("INT") || type.starts_with("UINT") || type.starts_with("FLOAT");
}

// As it would stand on the command line; nothing when it is of another type.
std::optional<std::string> asArgument(const json::Value& value, const CLI::Option& option) {
  if (isSwitch(option)) return value.is_bool() ? std::optional(json::serialize(value)) : std::nullopt;
  if (isNumber(option)) return value.is_number() ? std::optional(json::serialize(value)) : std::nullopt;
  return value.is_string() ? std::optional(std::string(value.get_string())) : std::nullopt;
}

std::string typeWanted(const CLI::Option& option) {
  if (isSwitch(option)) return "true or false";
  if (isNumber(option)) return "a number";
  return isList(option) ? "a list of texts" : "text (put it in quotes)";
}

std::vector<std::string> argumentsOf(const json::YamlEntry& entry, const CLI::Option& option) {
  std::vector<json::Value> values = {entry.value};
  if (const json::Array* list = entry.value.if_array(); list && isList(option)) values = {list->begin(), list->end()};
  std::vector<std::string> arguments;
  for (const json::Value& value : values) {
    auto argument = asArgument(value, option);
    if (!argument) {
      throw UsageError(fmt::format("{}: {} is not {}", entry.key, json::serialize(value), typeWanted(option)));
    }
    arguments.push_back(std::move(*argument));
  }
  return arguments;
}

// What this file has set so far: the options, and the lines.
using Applied = std::map<const CLI::Option*, int>;

// An option that excludes one of the command line's gives way to it, as all the file's do.
bool givesWay(const json::YamlEntry& entry, const CLI::Option& option, const Applied& applied) {
  for (const CLI::Option* other : option.get_excludes()) {
    if (other->count() == 0) continue;
    auto line = applied.find(other);
    if (line == applied.end()) return true;
    throw UsageError(fmt::format("{} excludes {} of line {}", entry.key, other->get_name(), line->second));
  }
  return false;
}

void applyEntry(const json::YamlEntry& entry, CLI::App& known, CLI::App& parser, Applied& applied) {
  if (!findOption(known, entry.key)) {
    throw UsageError(fmt::format("{}: no such setting; `wherry server --help` lists them", entry.key));
  }
  CLI::Option* option = findOption(parser, entry.key);
  if (!option) return;
  if (auto line = applied.find(option); line != applied.end()) {
    throw UsageError(fmt::format("{} stands already in line {}", entry.key, line->second));
  }
  std::vector<std::string> arguments = argumentsOf(entry, *option);
  if (option->count() > 0 || givesWay(entry, *option, applied)) return;
  try {
    if (arguments.empty()) return;
    option->add_result(std::move(arguments));
    option->run_callback();
  } catch (const CLI::ParseError& error) {
    throw UsageError(fmt::format("{}: {}", entry.key, error.what()));
  }
  applied[option] = entry.line;
}

}  // namespace

void applyConfig(std::string_view text, const std::string& file, CLI::App& known, CLI::App& parser) {
  std::vector<json::YamlEntry> entries;
  try {
    entries = json::parseYamlEntries(text);
  } catch (const json::ParseError& error) {
    throw UsageError(fmt::format("{}: {}", file, error.what()));
  }
  Applied applied;
  for (const json::YamlEntry& entry : entries) {
    try {
      applyEntry(entry, known, parser, applied);
    } catch (const UsageError& error) {
      throw UsageError(fmt::format("{}:{}: {}", file, entry.line, error.what()));
    }
  }
}

void applyConfigFile(const std::string& path, CLI::App& known, CLI::App& parser) {
  std::string text;
  try {
    text = base::readFile(path);
  } catch (const std::system_error& error) {
    throw UsageError(fmt::format("configuration file {}: {}", path, error.code().message()));
  }
  applyConfig(text, path, known, parser);
}

}  // namespace wherry::cli
