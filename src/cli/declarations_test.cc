#include "cli/declarations.h"

#include <CLI/CLI.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/command.h"
#include "cli/completion.h"
#include "cli/manual.h"

namespace wherry::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// A program of one command for each sort of declaration.
struct Program {
  CLI::App app{"A boat", "wherry"};
  std::string text = "here", file;
  std::vector<std::string> list;
  bool quiet = false;

  Program() {
    CLI::App* row = app.add_subcommand("row", "move it's [boat]");
    row->group(std::string(kRunning));
    row->add_option("--where", text, "which way")->check(CLI::IsMember({"here", "there"}))->capture_default_str();
    row->add_option("-f,--file", file, ".dots and back\\slashes")->check(CLI::ExistingFile);
    row->add_option("--all", list, "several")->delimiter(',');
    row->add_flag("--quiet", quiet, "no song");
    row->add_flag("--sink", quiet)->group("");
    row->footer("One line\n'another");
    CLI::App* oars = app.add_subcommand("oars", "what it has");
    oars->add_subcommand("list", "show them");
    oars->add_subcommand("break", "one")->add_option("OAR", file)->required();
    app.add_subcommand("secret", "shown to nobody")->group("");
  }
};

TEST(DeclarationsTest, SayWhatTheParserDoes) {
  Program program;
  CommandFacts facts = readDeclarations(program.app);
  ASSERT_EQ(facts.commands.size(), 2u);
  const CommandFacts& row = facts.commands[0];
  EXPECT_EQ(row.name, "row");
  ASSERT_EQ(row.flags.size(), 5u);
  EXPECT_THAT(row.flags[0].names, ElementsAre("-h", "--help"));
  EXPECT_EQ(row.flags[0].value, "");
  EXPECT_EQ(row.flags[1].fallback, "here");
  EXPECT_EQ(row.flags[1].value, "TEXT");
  EXPECT_THAT(row.flags[1].choices, ElementsAre("here", "there"));
  EXPECT_THAT(row.flags[2].names, ElementsAre("-f", "--file"));
  EXPECT_EQ(row.flags[2].value, "FILE");
  EXPECT_TRUE(row.flags[3].repeatable);
  EXPECT_EQ(row.flags[4].value, "");
  EXPECT_THAT(facts.commands[1].commands[1].arguments[0].names, ElementsAre("OAR"));
}

TEST(ManualTest, HasAPageForEachCommandInItsSection) {
  Program program;
  auto pages = renderManual(readDeclarations(program.app), "1.2.3");
  ASSERT_EQ(pages.size(), 3u);
  EXPECT_EQ(pages[0].name, "wherry");
  EXPECT_THAT(pages[0].text, HasSubstr(".BR wherry\\-row (8)\nmove it's [boat]\n"));
  EXPECT_THAT(pages[0].text, Not(HasSubstr("secret")));
  EXPECT_EQ(pages[1].name, "wherry-row");
  EXPECT_EQ(pages[1].section, 8);
  EXPECT_THAT(pages[1].text,
              HasSubstr("\\fB\\-\\-where\\fR \\fITEXT\\fR\nwhich way: one of here, there (default: here)\n"));
  EXPECT_THAT(pages[1].text, HasSubstr("\\fB\\-f\\fR, \\fB\\-\\-file\\fR \\fIFILE\\fR\n\\&.dots and back\\eslashes\n"));
  EXPECT_THAT(pages[1].text, HasSubstr("One line\n\\&'another\n"));
  EXPECT_EQ(pages[2].section, 1);
  EXPECT_THAT(pages[2].text, HasSubstr("\\fBwherry oars break\\fR [\\fIFLAGS\\fR] \\fIOAR\\fR\none\n"));
}

TEST(CompletionTest, BashKnowsCommandsFlagsAndValues) {
  Program program;
  std::string script = renderBashCompletion(readDeclarations(program.app));
  EXPECT_THAT(script, HasSubstr("\" row\" | \" oars\" | \" oars list\" | \" oars break\") path="));
  EXPECT_THAT(script, HasSubstr("\" row --where\") words \"here there\"; return ;;"));
  EXPECT_THAT(script, HasSubstr("\" row -f\" | \" row --file\") files -f; return ;;"));
  EXPECT_THAT(script, HasSubstr("words \"-h --help --where -f --file --all --quiet\"; else :; fi"));
  EXPECT_THAT(script, HasSubstr("else words \"list break\"; fi"));
}

TEST(CompletionTest, ZshKnowsCommandsFlagsAndValues) {
  Program program;
  std::string script = renderZshCompletion(readDeclarations(program.app));
  EXPECT_TRUE(script.starts_with("#compdef wherry\n"));
  EXPECT_THAT(script, HasSubstr("'(--where)'--where='[which way]:TEXT:(here there)'"));
  EXPECT_THAT(script, HasSubstr("'(-f --file)'{-f+,--file=}'[.dots and back\\\\slashes]:FILE:_files'"));
  EXPECT_THAT(script, HasSubstr("'*'--all='[several]:TEXT: '"));
  EXPECT_THAT(script, HasSubstr("'row:move it'\\''s \\[boat\\]'"));
}

}  // namespace
}  // namespace wherry::cli
