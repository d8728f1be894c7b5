#include "cli/declarations.h"

#include "base/strings.h"

namespace wherry::cli {
namespace {

// CLI11 shows an option's type with its validators behind it: "TEXT:{api,all}".
void readType(const CLI::Option& option, FlagFacts& facts) {
  if (option.get_items_expected_max() == 0) return;
  std::string type = option.get_type_name();
  std::string_view rest = type;
  if (auto parts = base::splitOnce(rest, ':')) {
    facts.value = parts->first;
    rest = parts->second;
  } else {
    facts.value = rest;
  }
  if (size_t open = rest.find('{'); open != std::string_view::npos && rest.ends_with('}')) {
    for (std::string_view choice : base::split(rest.substr(open + 1, rest.size() - open - 2), ',')) {
      facts.choices.emplace_back(choice);
    }
  }
  if (facts.value == "TEXT" && rest.starts_with("FILE")) facts.value = "FILE";
}

FlagFacts readOption(const CLI::Option& option) {
  FlagFacts facts{.help = option.get_description(), .fallback = option.get_default_str()};
  for (const std::string& name : option.get_snames()) facts.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) facts.names.push_back("--" + name);
  if (option.get_positional()) facts.names.push_back(option.get_name(true));
  facts.repeatable = option.get_expected_max() > 1;
  readType(option, facts);
  return facts;
}

}  // namespace

CommandFacts readDeclarations(const CLI::App& app) {
  CommandFacts facts{
      .name = app.get_name(), .help = app.get_description(), .group = app.get_group(), .footer = app.get_footer()};
  for (const CLI::Option* option : app.get_options({})) {
    if (option->get_group().empty()) continue;
    (option->get_positional() ? facts.arguments : facts.flags).push_back(readOption(*option));
  }
  for (const CLI::App* command : app.get_subcommands({})) {
    if (!command->get_group().empty()) facts.commands.push_back(readDeclarations(*command));
  }
  return facts;
}

}  // namespace wherry::cli
