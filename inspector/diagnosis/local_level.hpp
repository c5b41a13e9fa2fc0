#pragma once

#include <span>
#include <vector>

namespace palloscope {

// The noise of a backend's memory from snapshot to snapshot, as a "local level" model: a part that
// stays once it came (a cache that filled, a hash table that doubled: a random walk) and a part
// that is there at one snapshot and gone at the next (a transaction in progress). Growth between
// successive snapshots then has errors e[i] = u[i] − θ u[i−1] with independent u: θ = 0 where all
// of the noise stays, θ near 1 where all of it passes. (Harvey, "Forecasting, Structural Time
// Series Models and the Kalman Filter", 2.4: ARIMA(0,1,1).)
//
// Filtering growth and statement counts alike by z[i] = d[i] + θ z[i−1] makes the errors
// independent, so that plain least squares is efficient: it compares differences where θ is 0 and
// levels where it is near 1.

// The largest θ considered: a little below 1, where the model would deny that anything can stay by
// chance.
inline constexpr double kLargestTheta = 0.95;

// `increments` filtered with θ.
[[nodiscard]] std::vector<double> whitened(std::span<const double> increments, double theta);

// What the passing part of the first snapshot's noise left in every filtered increment: −θ^(i+1)
// times an unknown amount, to be fitted with either sign. All zero where θ is 0.
[[nodiscard]] std::vector<double> first_level_column(std::size_t size, double theta);

// θ for the growth that a model left unexplained: of the θ between 0 and 0.95 that are about as
// likely as the likeliest (least squares of u), the smallest, since it claims the least precision.
[[nodiscard]] double estimate_theta(std::span<const double> residual_increments);

}  // namespace palloscope
