// What fuzzing found worth keeping (scripts/fuzz) is walked again with every run of the tests.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include <gtest/gtest.h>

#include "tests/fuzz/context_walk.hpp"

namespace palloscope::test {
namespace {

TEST(FuzzCorpus, OfContextWalksGivesErrorsOrSoundTrees) {
    std::size_t inputs = 0;
    for (const auto& entry : std::filesystem::directory_iterator(
             std::filesystem::path(PALLOSCOPE_SOURCE_DIR) / "tests/fuzz/corpus/context_walk")) {
        std::ifstream file(entry.path(), std::ios::binary);
        const std::vector<char> bytes(std::istreambuf_iterator<char>(file), {});
        SCOPED_TRACE(entry.path());
        walk_damaged_contexts(std::vector<std::uint8_t>(bytes.begin(), bytes.end()));
        ++inputs;
    }
    EXPECT_GT(inputs, 100U);
}

}  // namespace
}  // namespace palloscope::test
