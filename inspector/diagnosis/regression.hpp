#pragma once

#include <vector>

#include "inspector/diagnosis/estimate.hpp"

namespace palloscope {

// A least-squares problem: response ≈ Σ coefficient × column, all of one length. A coefficient is
// non-negative unless its free_sign says otherwise.
struct Regression {
    std::vector<std::vector<double>> columns;
    std::vector<double> response;
    std::vector<bool> free_sign;
    // The part of each column's sum of squares that is noise; empty where there is none. Such a
    // column's coefficient would come out too small, and those of others that run alongside too
    // large: that is mended by leaving the noise out of the normal equations (Fuller, "Measurement
    // Error Models", 1987, chapter 2).
    std::vector<double> noise;
};

struct Fit {
    std::vector<double> coefficients;
    // Sum of the squares that remain, and what of them the columns' noise is expected to leave.
    double squares_left = 0;
    double squares_of_noise = 0;
};

[[nodiscard]] Fit fit(const Regression& regression);

// The residuals of `regression` under `coefficients`.
[[nodiscard]] std::vector<double> residuals(const Regression& regression,
                                            const std::vector<double>& coefficients);

// fit() with intervals from a moving-block bootstrap of the rows (Künsch 1989): rows are drawn in
// runs of about the cube root of their number, so that what hangs together in time stays together.
// The percentile intervals are widened as Student's t is against the normal, with as many degrees
// of freedom as there are runs beyond the columns: few rows prove little. The draws are seeded by a
// constant: the same rows always give the same intervals.
[[nodiscard]] std::vector<Estimate> fit_with_intervals(const Regression& regression);

}  // namespace palloscope
