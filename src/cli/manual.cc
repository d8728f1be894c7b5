#include "cli/manual.h"

#include <cctype>
#include <memory>

#include <fmt/format.h>

#include "base/fd.h"
#include "base/strings.h"
#include "cli/command.h"
#include "cli/config_file.h"

namespace wherry::cli {
namespace {

// Text as man(7) prints it: a backslash and a dash stand for themselves, and no line begins a request.
std::string escape(std::string_view text) {
  std::string out;
  for (char c : text) {
    if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) out += "\\&";
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out;
}

std::string renderNames(const FlagFacts& flag) {
  std::string out;
  for (const std::string& name : flag.names) out += fmt::format("{}\\fB{}\\fR", out.empty() ? "" : ", ", escape(name));
  if (!flag.value.empty() && flag.names.front().starts_with('-')) out += " \\fI" + escape(flag.value) + "\\fR";
  return out;
}

std::string renderFlag(const FlagFacts& flag) {
  std::string text = flag.help;
  if (!flag.choices.empty())
    text += fmt::format("{}one of {}", text.empty() ? "" : ": ", fmt::join(flag.choices, ", "));
  if (flag.repeatable) text += " (may be given several times)";
  if (!flag.fallback.empty()) text += fmt::format(" (default: {})", flag.fallback);
  return fmt::format(".TP\n{}\n{}\n", renderNames(flag), text.empty() ? "\\&" : escape(text));
}

std::string renderFlags(const std::vector<FlagFacts>& flags, std::string_view title) {
  std::string out;
  for (const FlagFacts& flag : flags) out += renderFlag(flag);
  return out.empty() ? out : fmt::format(".SH {}\n", title) + out;
}

std::string renderSynopsis(const std::string& program, const CommandFacts& command) {
  std::string out = fmt::format("\\fB{}\\fR", escape(program));
  if (!command.flags.empty()) out += " [\\fIFLAGS\\fR]";
  if (!command.commands.empty()) out += " \\fICOMMAND\\fR";
  for (const FlagFacts& argument : command.arguments) out += " \\fI" + escape(argument.names.front()) + "\\fR";
  return out;
}

// A footer is lines as they stand, in paragraphs.
std::string renderFooter(const std::string& footer) {
  if (footer.empty()) return "";
  std::string out = ".SH NOTES\n.nf\n";
  for (std::string_view line : base::split(footer, '\n')) out += (line.empty() ? "\\&" : escape(line)) + "\n";
  return out + ".fi\n";
}

std::string renderCommands(const CommandFacts& command, const std::string& program) {
  if (command.commands.empty()) return "";
  std::string out = ".SH COMMANDS\n";
  for (const CommandFacts& each : command.commands) {
    out += fmt::format(".TP\n{}\n{}\n", renderSynopsis(program + " " + each.name, each), escape(each.help));
    if (each.flags.size() <= 1 && each.arguments.empty()) continue;  // --help alone
    out += ".RS\n";
    for (const FlagFacts& flag : each.flags) out += renderFlag(flag);
    for (const FlagFacts& argument : each.arguments) out += renderFlag(argument);
    out += ".RE\n";
  }
  return out;
}

int sectionOf(const CommandFacts& command) { return command.group == kRunning ? 8 : 1; }

std::string renderHead(const std::string& name, int section, const std::string& version, const std::string& help) {
  std::string title;
  for (char c : name) title += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return fmt::format(".TH {} {} \"\" \"wherry {}\" \"Wherry\"\n.SH NAME\n{} \\- {}\n", escape(title), section, version,
                     escape(name), escape(help));
}

constexpr const char* kExitStatus =
    ".SH EXIT STATUS\n0: done; 1: it could not be done; 2: asked wrongly (flags or configuration file).\n";

ManualPage renderCommand(const CommandFacts& command, const std::string& version) {
  std::string name = "wherry-" + command.name, program = "wherry " + command.name;
  int section = sectionOf(command);
  std::string text = renderHead(name, section, version, command.help);
  text += ".SH SYNOPSIS\n" + renderSynopsis(program, command) + "\n";
  text += renderFlags(command.arguments, "ARGUMENTS") + renderFlags(command.flags, "FLAGS");
  text += renderCommands(command, program) + renderFooter(command.footer) + kExitStatus;
  return {name, section, text + ".SH SEE ALSO\n.BR wherry (1)\n"};
}

ManualPage renderProgram(const CommandFacts& program, const std::string& version) {
  std::string text = renderHead(program.name, 1, version, program.help);
  text += ".SH SYNOPSIS\n\\fBwherry\\fR \\fICOMMAND\\fR [\\fIFLAGS\\fR]\n.SH COMMANDS\n";
  for (const CommandFacts& command : program.commands) {
    text +=
        fmt::format(".TP\n.BR wherry\\-{} ({})\n{}\n", escape(command.name), sectionOf(command), escape(command.help));
  }
  text += renderFlags(program.flags, "FLAGS") + renderFooter(program.footer);
  text += fmt::format(".SH FILES\n.TP\n.I {}\nthe server's flags as YAML\n", escape(kConfigFile));
  text += ".TP\n.I /var/lib/wherry\neverything that is kept\n";
  text += ".TP\n.I /var/lib/wherry/admin.kubeconfig\nfor kubectl, as the cluster's administrator\n";
  text += ".TP\n.I /run/wherry\nwhat lasts until the next boot\n";
  return {program.name, 1, text};
}

int printManual(const CommandFacts& program, const std::string& command, const std::string& directory) {
  for (const ManualPage& page : renderManual(program, WHERRY_VERSION)) {
    if (!directory.empty()) {
      std::string folder = fmt::format("{}/man{}", directory, page.section);
      base::makeDirectories(folder);
      base::writeFileAtomic(fmt::format("{}/{}.{}", folder, page.name, page.section), page.text);
    } else if (page.name == (command.empty() ? "wherry" : "wherry-" + command)) {
      fmt::print("{}", page.text);
      return 0;
    }
  }
  if (directory.empty()) throw UsageError("no such command: " + command);
  return 0;
}

}  // namespace

std::vector<ManualPage> renderManual(const CommandFacts& program, const std::string& version) {
  std::vector<ManualPage> pages = {renderProgram(program, version)};
  for (const CommandFacts& command : program.commands) pages.push_back(renderCommand(command, version));
  return pages;
}

std::function<int()> declareManual(CLI::App& parser) {
  struct Options {
    std::string command, directory;
  };
  auto options = std::make_shared<Options>();
  parser.add_option("COMMAND", options->command, "whose page to print, in man(7); default: the program's");
  parser.add_option("--write", options->directory, "write all pages into this directory, man1/ and man8/ in it");
  return [options, &parser] {
    return printManual(readDeclarations(*parser.get_parent()), options->command, options->directory);
  };
}

}  // namespace wherry::cli
