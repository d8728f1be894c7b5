#include "cli/completion.h"

#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/strings.h"
#include "cli/command.h"

namespace wherry::cli {
namespace {

bool isDirectory(const FlagFacts& flag) { return flag.value == "DIR"; }
bool isFile(const FlagFacts& flag) { return flag.value == "FILE"; }

std::string namesOf(const std::vector<CommandFacts>& commands) {
  std::string out;
  for (const CommandFacts& command : commands) out += (out.empty() ? "" : " ") + command.name;
  return out;
}

std::string namesOf(const std::vector<FlagFacts>& flags) {
  std::string out;
  for (const FlagFacts& flag : flags) out += fmt::format("{}{}", out.empty() ? "" : " ", fmt::join(flag.names, " "));
  return out;
}

// ---- bash

// One `case` for each command: its flags and commands, and the values of the flags that have any.
struct BashCases {
  std::string paths;   // " image" | " image import"
  std::string values;  // which action completes the word behind a flag
  std::string words;   // what may stand at the end of a path
};

std::string bashAction(const FlagFacts& flag) {
  if (!flag.choices.empty()) return fmt::format("words \"{}\"", fmt::join(flag.choices, " "));
  return isDirectory(flag) ? "files -d" : isFile(flag) ? "files -f" : ":";
}

void addBashCases(const CommandFacts& command, const std::string& path, BashCases& cases) {
  if (!path.empty()) cases.paths += fmt::format("{}\"{}\"", cases.paths.empty() ? "" : " | ", path);
  for (const FlagFacts& flag : command.flags) {
    if (flag.value.empty()) continue;
    std::string patterns;
    for (const std::string& name : flag.names) {
      patterns += fmt::format("{}\"{} {}\"", patterns.empty() ? "" : " | ", path, name);
    }
    cases.values += fmt::format("    {}) {}; return ;;\n", patterns, bashAction(flag));
  }
  std::string argument;
  for (const FlagFacts& each : command.arguments) argument = bashAction(each);
  std::string names = namesOf(command.commands);
  std::string otherwise = names.empty() ? (argument.empty() ? ":" : argument) : fmt::format("words \"{}\"", names);
  cases.words += fmt::format("    \"{}\") if [[ $cur == -* ]]; then words \"{}\"; else {}; fi ;;\n", path,
                             namesOf(command.flags), otherwise);
  for (const CommandFacts& each : command.commands) addBashCases(each, path + " " + each.name, cases);
}

constexpr const char* kBash = R"(# bash completion for wherry; made by `wherry completion bash`
_wherry() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}} path= i
  words() {{ COMPREPLY=($(compgen -W "$1" -- "$cur")); }}
  files() {{ compopt -o filenames; local IFS=$'\n'; COMPREPLY=($(compgen "$1" -- "$cur")); }}
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path ${{COMP_WORDS[i]}}" in
      {paths}) path="$path ${{COMP_WORDS[i]}}" ;;
    esac
    if [[ $path == " kubectl" && $i == 1 ]]; then
      declare -F _command_offset > /dev/null && _command_offset 1
      return
    fi
  done
  # --flag=value comes as three words
  if [[ $cur == = ]]; then cur=; fi
  if [[ $prev == = ]]; then prev=${{COMP_WORDS[COMP_CWORD - 2]}}; fi
  case "$path $prev" in
{values}  esac
  case $path in
{words}  esac
}}
complete -F _wherry wherry
)";

// ---- zsh

std::string zshQuote(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    if (c == '\'')
      out += "'\\''";
    else
      out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string zshAction(const FlagFacts& flag) {
  if (!flag.choices.empty()) return fmt::format("({})", fmt::join(flag.choices, " "));
  return isDirectory(flag) ? "_files -/" : isFile(flag) ? "_files" : " ";
}

// '(-o --output)'{-o+,--output=}'[help]:FILE:_files'
std::string zshFlag(const FlagFacts& flag) {
  std::string value = flag.value.empty() ? "" : fmt::format(":{}:{}", zshQuote(flag.value), zshAction(flag));
  std::string spec = fmt::format("'[{}]{}'", zshQuote(flag.help), value);
  std::vector<std::string> names;
  for (const std::string& name : flag.names) {
    names.push_back(name + (flag.value.empty() ? "" : name.starts_with("--") ? "=" : "+"));
  }
  std::string shown = names.size() == 1 ? names.front() : fmt::format("{{{}}}", fmt::join(names, ","));
  std::string excludes = flag.repeatable ? "'*'" : fmt::format("'({})'", fmt::join(flag.names, " "));
  return excludes + shown + spec;
}

std::string zshCommands(const CommandFacts& command, const std::string& function) {
  std::string described, cases;
  for (const CommandFacts& each : command.commands) {
    described += fmt::format(" '{}:{}'", each.name, zshQuote(each.help));
    cases += each.name == "kubectl" ? "        kubectl) _normal ;;\n"
                                    : fmt::format("        {}) {}_{} ;;\n", each.name, function, each.name);
  }
  return fmt::format(R"(  case $state in
    command)
      local -a commands=({})
      _describe command commands
      ;;
    arguments)
      case $words[1] in
{}      esac
      ;;
  esac
)",
                     described.substr(1), cases);
}

std::string zshFunction(const CommandFacts& command, const std::string& function) {
  std::string specs;
  for (const FlagFacts& flag : command.flags) specs += " \\\n    " + zshFlag(flag);
  for (const FlagFacts& argument : command.arguments) {
    specs += fmt::format(" \\\n    '{}:{}:{}'", argument.repeatable ? "*" : "", zshQuote(argument.names.front()),
                         zshAction(argument));
  }
  std::string out, inner;
  if (!command.commands.empty()) {
    specs += " \\\n    '1: :->command' '*:: :->arguments'";
    inner = zshCommands(command, function);
    for (const CommandFacts& each : command.commands) {
      if (each.name != "kubectl") out += zshFunction(each, function + "_" + each.name);
    }
  }
  return out + fmt::format(
                   "{}() {{\n  local curcontext=$curcontext state line\n  typeset -A opt_args\n"
                   "  _arguments -C{}\n{}}}\n\n",
                   function, specs, inner);
}

}  // namespace

std::string renderBashCompletion(const CommandFacts& program) {
  BashCases cases;
  addBashCases(program, "", cases);
  return fmt::format(kBash, fmt::arg("paths", cases.paths), fmt::arg("values", cases.values),
                     fmt::arg("words", cases.words));
}

std::string renderZshCompletion(const CommandFacts& program) {
  return "#compdef wherry\n# zsh completion for wherry; made by `wherry completion zsh`\n\n" +
         zshFunction(program, "_wherry") +
         "if [ \"$funcstack[1]\" = _wherry ]; then _wherry \"$@\"; else compdef _wherry wherry; fi\n";
}

std::function<int()> declareCompletion(CLI::App& parser) {
  auto shell = std::make_shared<std::string>();
  parser.add_option("SHELL", *shell, "the shell")->required()->check(CLI::IsMember({"bash", "zsh"}));
  parser.footer("In a shell's startup file: source <(wherry completion bash)");
  return [shell, &parser] {
    CommandFacts program = readDeclarations(*parser.get_parent());
    fmt::print("{}", *shell == "bash" ? renderBashCompletion(program) : renderZshCompletion(program));
    return 0;
  };
}

}  // namespace wherry::cli
