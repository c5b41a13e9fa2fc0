#pragma once

#include <map>
#include <optional>
#include <string>

#include "tests/bench/scenario_report.hpp"

namespace palloscope::test {

// A figure that was compared with stepping's.
struct Comparison {
    double error = 0;  // 0.1 where it is 10 % too large
    // Whether its interval has stepping's figure in it …
    bool holds_figure = false;
    // … or at least meets the one within which stepping knows that.
    bool intervals_meet = false;
};

// How many rows of the table are as they should be, and whether that meets the goals.
class DiagnosisScore {
  public:
    // `leaks`: whether the scenario does; `right`: whether the report says so, and why.
    void add_row(bool leaks, bool right);

    void add_comparison(Source source, const Comparison& comparison);

    // There is no figure, or one of something else, where stepping has one.
    void add_missing_figure(Source source);

    void print() const;

  private:
    struct Share {
        int good = 0;
        int all = 0;

        void add(bool is_good);
    };

    static void print_line(const std::string& what, const Share& share, std::optional<double> goal);

    Share right_;
    Share right_controls_;
    std::map<Source, Share> close_;
    Share meeting_;
    Share holding_;
};

}  // namespace palloscope::test
