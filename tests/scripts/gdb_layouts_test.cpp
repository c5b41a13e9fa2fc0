#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "scripts/gdb/layout_text.hpp"

namespace palloscope::test {
namespace {

TEST(GdbLayouts, AreTheTablesOfTheInspector) {
    std::ifstream file(PALLOSCOPE_SOURCE_DIR "/scripts/gdb/palloscope_gdb/layouts.py");
    const std::string committed(std::istreambuf_iterator<char>(file), {});
    EXPECT_EQ(committed, layout_text())
        << "write them anew: cmake --build --preset release --target update-gdb-layouts";
}

}  // namespace
}  // namespace palloscope::test
