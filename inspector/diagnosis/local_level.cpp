#include "inspector/diagnosis/local_level.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "inspector/diagnosis/dot_product.hpp"

namespace palloscope {

namespace {

constexpr double kThetaStep = 0.05;
// How much less likely (in twice the logarithm) than the likeliest θ the chosen one may be: the
// bounds of a 90 % interval.
constexpr double kLikelihoodLoss = 2.7;

// The squares that remain of the filtered residual when the first level is fitted away.
double squares_left(std::span<const double> residual_increments, double theta) {
    const std::vector<double> filtered = whitened(residual_increments, theta);
    const std::vector<double> first = first_level_column(filtered.size(), theta);
    const double first_square = dot_product(first, first);
    const double along = dot_product(first, filtered);
    return dot_product(filtered, filtered) -
           (first_square > 0 ? along * along / first_square : 0.0);
}

}  // namespace

std::vector<double> whitened(std::span<const double> increments, double theta) {
    std::vector<double> filtered(increments.begin(), increments.end());
    for (std::size_t i = 1; i < filtered.size(); ++i) {
        filtered[i] += theta * filtered[i - 1];
    }
    return filtered;
}

std::vector<double> first_level_column(std::size_t size, double theta) {
    std::vector<double> column(size);
    double power = 1;
    for (double& value : column) {
        power *= theta;
        value = -power;
    }
    return column;
}

double estimate_theta(std::span<const double> residual_increments) {
    std::vector<double> squares;
    for (int step = 0; step * kThetaStep <= kLargestTheta + 1e-9; ++step) {
        squares.push_back(squares_left(residual_increments, step * kThetaStep));
    }
    const double least = std::ranges::min(squares);
    const double acceptable =
        least * std::exp(kLikelihoodLoss / static_cast<double>(residual_increments.size()));
    const auto first =
        std::ranges::find_if(squares, [&](double value) { return value <= acceptable; });
    return static_cast<double>(first - squares.begin()) * kThetaStep;
}

}  // namespace palloscope
