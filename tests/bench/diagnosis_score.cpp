#include "tests/bench/diagnosis_score.hpp"

#include <cmath>
#include <string>

#include <fmt/core.h>

namespace palloscope::test {

namespace {

constexpr double kMostErrorByJournal = 0.10;
constexpr double kMostError = 0.25;
constexpr double kLeastShareOfIntervals = 0.90;
constexpr double kAll = 1;

double most_error(Source source) {
    return source == Source::kJournal ? kMostErrorByJournal : kMostError;
}

}  // namespace

void DiagnosisScore::Share::add(bool is_good) {
    ++all;
    good += is_good ? 1 : 0;
}

void DiagnosisScore::add_row(bool leaks, bool right) {
    right_.add(right);
    if (!leaks) {
        right_controls_.add(right);
    }
}

void DiagnosisScore::add_comparison(Source source, const Comparison& comparison) {
    close_[source].add(std::abs(comparison.error) <= most_error(source));
    meeting_.add(comparison.intervals_meet);
    holding_.add(comparison.holds_figure);
}

void DiagnosisScore::add_missing_figure(Source source) {
    close_[source].add(/*is_good=*/false);
    meeting_.add(/*is_good=*/false);
    holding_.add(/*is_good=*/false);
}

void DiagnosisScore::print() const {
    print_line("first causes right", right_, kAll);
    print_line("controls said to leak nothing", right_controls_, kAll);
    for (const auto& [source, close] : close_) {
        print_line(fmt::format("bytes a call by {} within {:.0f} % of stepping",
                               name_of(source),
                               most_error(source) * 100),
                   close,
                   kAll);
    }
    print_line("intervals with stepping's figure in them", holding_, kLeastShareOfIntervals);
    print_line("intervals that meet stepping's own", meeting_, std::nullopt);
}

void DiagnosisScore::print_line(const std::string& what,
                                const Share& share,
                                std::optional<double> goal) {
    if (share.all == 0) {
        return;
    }
    const double part = static_cast<double>(share.good) / share.all;
    const char* const verdict = part >= goal.value_or(0) ? "goal met" : "goal MISSED";
    fmt::print("{}: {} of {}, {:.0f} %{}\n",
               what,
               share.good,
               share.all,
               part * 100,
               goal ? fmt::format(" ({})", verdict) : "");
}

}  // namespace palloscope::test
