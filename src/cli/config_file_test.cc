#include "cli/config_file.h"

#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

namespace wherry::cli {
namespace {

// A few options of each type.
struct Settings {
  std::string name = "node";
  std::string only;
  uint16_t port = 6443;
  std::vector<std::string> disabled;
  bool quiet = false;

  void declare(CLI::App& parser) {
    parser.add_option("--name", name);
    parser.add_option("--port", port);
    auto* alone = parser.add_option("--only", only)->check(CLI::IsMember({"api"}));
    parser.add_option("--disable", disabled)->delimiter(',')->check(CLI::IsMember({"proxy", "dns"}))->excludes(alone);
    parser.add_flag("--quiet", quiet);
    parser.add_option("--config");
  }
  std::string text() const {
    return fmt::format("{} {} [{}] {}{}", name, port, fmt::join(disabled, " "), quiet,
                       only.empty() ? "" : " only " + only);
  }
};

struct Case {
  const char* name;
  std::string commandLine;
  std::string file;
  std::string expected;  // the settings, or the error
};

std::string apply(const Case& test) {
  CLI::App parser;
  Settings settings;
  settings.declare(parser);
  parser.parse(test.commandLine);
  try {
    applyConfig(test.file, "f.yaml", parser, parser);
  } catch (const UsageError& error) {
    return error.what();
  }
  return settings.text();
}

class ConfigFileTest : public testing::TestWithParam<Case> {};

TEST_P(ConfigFileTest, givesOptionsTheirValues) {
  EXPECT_EQ(apply(GetParam()), GetParam().expected) << GetParam().name;
}

INSTANTIATE_TEST_SUITE_P(
    Table, ConfigFileTest,
    testing::Values(
        Case{"nothing but comments", "", "# name: x\n", "node 6443 [] false"},
        Case{"each type", "", "name: edge\nport: 1\ndisable: [proxy, dns]\nquiet: true\n", "edge 1 [proxy dns] true"},
        Case{"one text for a list", "", "disable: proxy,dns\n", "node 6443 [proxy dns] false"},
        Case{"an empty list", "", "disable: []\n", "node 6443 [] false"},
        Case{"a switch that is off", "", "quiet: false\n", "node 6443 [] false"},
        Case{"flags win", "--name flag --port 2 --quiet", "name: file\nport: 1\nquiet: false\n", "flag 2 [] true"},
        Case{"what excludes a flag gives way", "--only api", "disable: [dns]\n", "node 6443 [] false only api"},
        Case{"a value that a flag overrides is still checked", "--port 2", "port: x\n",
             "f.yaml:1: port: \"x\" is not a number"},
        Case{"an unknown key", "", "# first\nnmae: x\n",
             "f.yaml:2: nmae: no such setting; `wherry server --help` lists them"},
        Case{"the file can't name another file", "", "config: x\n",
             "f.yaml:1: config: no such setting; `wherry server --help` lists them"},
        Case{"a number where text is wanted", "", "name: 7\n", "f.yaml:1: name: 7 is not text (put it in quotes)"},
        Case{"nothing where text is wanted", "", "name:\n", "f.yaml:1: name: null is not text (put it in quotes)"},
        Case{"text where a number is wanted", "", "port: \"80\"\n", "f.yaml:1: port: \"80\" is not a number"},
        Case{"a list where one value is wanted", "", "name: [a, b]\n",
             "f.yaml:1: name: [\"a\",\"b\"] is not text (put it in quotes)"},
        Case{"a mapping", "", "disable: {proxy: true}\n", "f.yaml:1: disable: {\"proxy\":true} is not a list of texts"},
        Case{"text where a truth is wanted", "", "quiet: yes\n", "f.yaml:1: quiet: \"yes\" is not true or false"},
        Case{"twice the same key", "", "port: 1\n\nport: 2\n", "f.yaml:3: port stands already in line 1"},
        Case{"two that exclude each other", "", "only: api\ndisable: [dns]\n",
             "f.yaml:2: disable excludes --only of line 1"}));

TEST(ConfigFileTest, SaysWhatTheOptionItselfRefuses) {
  std::string wrong = apply({"", "", "\nport: 70000\n", ""});
  EXPECT_TRUE(wrong.starts_with("f.yaml:2: port: ")) << wrong;
  wrong = apply({"", "", "disable: [nosuch]\n", ""});
  EXPECT_TRUE(wrong.starts_with("f.yaml:1: disable: ")) << wrong;
  EXPECT_NE(wrong.find("nosuch"), std::string::npos) << wrong;
  wrong = apply({"", "", "port: [\n", ""});
  EXPECT_TRUE(wrong.starts_with("f.yaml: yaml") && wrong.find("line 2") != std::string::npos) << wrong;
}

TEST(ConfigFileTest, ACommandTakesTheKeysItHas) {
  CLI::App server, other;
  Settings settings;
  settings.declare(server);
  std::string name;
  other.add_option("--name", name);
  bool yes = false;
  other.add_flag("--yes", yes);
  applyConfig("port: 1\nname: edge\n", "f.yaml", server, other);
  EXPECT_EQ(name, "edge");
  EXPECT_THROW(applyConfig("yes: true\n", "f.yaml", server, other), UsageError);
  EXPECT_FALSE(yes);
}

TEST(ConfigFileTest, AMissingFileIsNamed) {
  CLI::App parser;
  try {
    applyConfigFile("/nonexistent/wherry.yaml", parser, parser);
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "configuration file /nonexistent/wherry.yaml: No such file or directory");
  }
}

}  // namespace
}  // namespace wherry::cli
