#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace palloscope {

// How many statements ran unseen between two that were seen, in many such steps of one kind: by how
// many reports came in each, against those that come where none was missed.
class MissedStatements {
  public:
    // A step from one statement that was seen to the next, over `gap_ns` between two looks.
    void add(std::int64_t reports, std::int64_t gap_ns);

    // Of most steps: those where none was missed.
    [[nodiscard]] std::int64_t usual_reports() const;

    // Where a statement makes `reports_of_one`.
    [[nodiscard]] double missed(std::int64_t reports_of_one) const;

    [[nodiscard]] double seen() const;

  private:
    // By the reports that came, and those of more in sum.
    static constexpr std::size_t kMostReports = 64;
    std::array<std::int64_t, kMostReports> steps_{};
    std::int64_t long_steps_ = 0;
    std::int64_t reports_of_long_ = 0;
};

}  // namespace palloscope
