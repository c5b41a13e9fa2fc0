#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "inspector/model/explanation.hpp"

namespace palloscope {

// One line of an explanation for people: things of one label, which are alike.
struct ExplainedRow {
    std::string label;   // clean
    std::string detail;  // clean; empty where there is nothing to add
    std::int64_t count = 0;
    std::int64_t bytes = 0;

    bool operator==(const ExplainedRow&) const = default;
};

struct ExplainedSection {
    std::string title;
    std::string counted;  // what `count` counts: "entries"; empty where nothing is counted
    std::vector<ExplainedRow> rows;  // the most bytes first
};

// Whether prepared statements of one family, whose texts and names differ by a number, say, are one
// row.
enum class Alike { kEach, kFolded };

// All that was found, in the order in which it is shown; kinds of which there is nothing are left
// out.
[[nodiscard]] std::vector<ExplainedSection> explained_sections(const Explanation& explanation,
                                                               Alike alike);

}  // namespace palloscope
