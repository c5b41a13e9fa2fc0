#include "inspector/statements/missed_statements.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace palloscope {

namespace {

// That it runs, and that it does no longer: within a transaction block no statement makes fewer
// reports (pgstat_report_activity, backend_status.c).
constexpr std::int64_t kFewestReports = 2;
// No statement, with its client's turn, takes less. Some make many reports, of their progress.
constexpr std::int64_t kShortestStatementNs = 30'000;
constexpr double kFewSteps = 0.02;

}  // namespace

void MissedStatements::add(std::int64_t reports, std::int64_t gap_ns) {
    const std::int64_t possible =
        kMostReportsOfOne * (1 + std::max<std::int64_t>(gap_ns, 0) / kShortestStatementNs);
    const std::int64_t counted = std::clamp<std::int64_t>(reports, 0, possible);
    if (counted < std::ssize(steps_)) {
        ++steps_.at(static_cast<std::size_t>(counted));
    } else {
        ++long_steps_;
        reports_of_long_ += counted;
    }
}

std::optional<std::int64_t> MissedStatements::usual_reports(std::int64_t most) const {
    const auto* const usual = std::max_element(
        steps_.begin(), steps_.begin() + std::clamp<std::int64_t>(most, 0, kMostReports - 1) + 1);
    const bool enough = static_cast<double>(*usual) > kFewSteps * seen();
    return enough ? std::optional<std::int64_t>(usual - steps_.begin()) : std::nullopt;
}

double MissedStatements::missed(std::int64_t usual, std::int64_t reports_of_one) const {
    const auto one = static_cast<double>(std::max(reports_of_one, kFewestReports));
    double missed = 0;
    for (std::int64_t reports = usual; reports < std::ssize(steps_); ++reports) {
        missed += static_cast<double>(steps_.at(static_cast<std::size_t>(reports))) *
                  std::round(static_cast<double>(reports - usual) / one);
    }
    return missed + static_cast<double>(reports_of_long_ - long_steps_ * usual) / one;
}

double MissedStatements::seen() const {
    std::int64_t steps = long_steps_;
    for (const std::int64_t of_so_many : steps_) {
        steps += of_so_many;
    }
    return static_cast<double>(steps);
}

}  // namespace palloscope
