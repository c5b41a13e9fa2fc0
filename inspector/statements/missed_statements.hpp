#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace palloscope {

// How many statements ran unseen between two that were seen, in many such steps of one kind: by how
// many reports came in each, against those that come where none was missed.
class MissedStatements {
  public:
    // A step from one statement that was seen to the next, over `gap_ns` between two looks.
    void add(std::int64_t reports, std::int64_t gap_ns);

    // What a statement makes at most, with its transaction's begin and end: 4 up to 13, 6 up to 17,
    // 9 on 18 (pgstat_report_activity, _xact_timestamp, and the _query_id and _plan_id of parser,
    // planner and executor, backend_status.c).
    static constexpr std::int64_t kMostReportsOfOne = 10;

    // Of most steps: those where none was missed. They have no more than `most`; none where too few
    // steps have so few.
    [[nodiscard]] std::optional<std::int64_t> usual_reports(std::int64_t most) const;

    // Where there are `usual` reports in a step without any, and a statement makes
    // `reports_of_one`.
    [[nodiscard]] double missed(std::int64_t usual, std::int64_t reports_of_one) const;

    [[nodiscard]] double seen() const;

  private:
    // By the reports that came, and those of more in sum.
    static constexpr std::size_t kMostReports = 64;
    std::array<std::int64_t, kMostReports> steps_{};
    std::int64_t long_steps_ = 0;
    std::int64_t reports_of_long_ = 0;
};

}  // namespace palloscope
