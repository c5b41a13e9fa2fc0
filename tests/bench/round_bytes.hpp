#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace palloscope::test {

// What stays after a statement, or after a round of those that never vary apart from it, and the 95
// % interval.
struct RoundBytes {
    double value = 0;
    double low = 0;
    double high = 0;
};

// The mean over backends, which differ among each other by more than their own intervals: each
// counts the less the wider its interval is (DerSimonian and Laird, Meta-analysis in clinical
// trials, 1986). `rounds` is not empty.
[[nodiscard]] RoundBytes mean_of(const std::vector<RoundBytes>& rounds);

// The figure of a row of the table, and the same by stepping.
struct ComparedRounds {
    std::string query;
    RoundBytes found;
    RoundBytes stepped;
};

// The first statement of a cause that stepping names too, with what is said of it by all backends
// of a report whose figure is of mostly the same round; `cause` is of one of `found`. nullopt where
// there is none.
[[nodiscard]] std::optional<ComparedRounds> compare_rounds(const nlohmann::json& cause,
                                                           const nlohmann::json& found,
                                                           const nlohmann::json& stepped);

// The cause of this id; nullptr where a backend has none.
[[nodiscard]] const nlohmann::json* find_cause(const nlohmann::json& backend,
                                               const nlohmann::json& id);

}  // namespace palloscope::test
