// Every fuzz target, fed with its corpus: the seeds, and what was once found.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/fd.h"

#define TARGET(name) extern "C" int name(const uint8_t* data, size_t size);
#include "fuzz_targets.inc"
#undef TARGET

namespace wherry {
namespace {

struct Target {
  std::string name;
  int (*run)(const uint8_t* data, size_t size);
};

class Corpus : public testing::TestWithParam<Target> {};

TEST_P(Corpus, IsRead) {
  std::vector<std::filesystem::path> files;
  std::string name = GetParam().name.substr(0, GetParam().name.rfind("_fuzz"));
  for (const auto& file : std::filesystem::directory_iterator(std::string(FUZZ_CORPUS) + "/" + name)) {
    files.push_back(file.path());
  }
  EXPECT_FALSE(files.empty());
  std::ranges::sort(files);
  for (const auto& file : files) {
    std::cout << file.string() << std::endl;  // the last one, when the target aborts
    std::string input = base::readFile(file);
    GetParam().run(reinterpret_cast<const uint8_t*>(input.data()), input.size());
  }
}

const Target kTargets[] = {
#define TARGET(name) {#name, name},
#include "fuzz_targets.inc"
#undef TARGET
};

INSTANTIATE_TEST_SUITE_P(Fuzz, Corpus, testing::ValuesIn(kTargets), [](const auto& of) { return of.param.name; });

}  // namespace
}  // namespace wherry
