#pragma once

#include <span>

namespace palloscope {

// The least-squares line through points.
struct StraightLine {
    double slope = 0;
    double intercept = 0;
    // Root of the mean square of the residuals.
    double scatter = 0;
};

// `x` and `y` have the same length, at least 1. Where all x are equal the line is level.
[[nodiscard]] StraightLine fit_line(std::span<const double> x, std::span<const double> y);

[[nodiscard]] double mean_of(std::span<const double> values);

}  // namespace palloscope
