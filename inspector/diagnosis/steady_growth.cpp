#include "inspector/diagnosis/steady_growth.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "inspector/diagnosis/straight_line.hpp"

namespace palloscope {

namespace {

constexpr std::size_t kFewestSamples = 30;
constexpr std::size_t kWarmUpShare = 3;     // the first third
constexpr std::size_t kBandwidthShare = 5;  // a fifth
constexpr double kCriticalValue = 3.1;

// The variance of a sum of terms that hang together up to `bandwidth` steps apart, with Bartlett's
// weights, under which it is never negative.
double long_run_variance(const std::vector<double>& terms, std::size_t bandwidth) {
    double variance = 0;
    for (std::size_t lag = 0; lag <= bandwidth && lag < terms.size(); ++lag) {
        double covariance = 0;
        for (std::size_t i = lag; i < terms.size(); ++i) {
            covariance += terms[i] * terms[i - lag];
        }
        const double weight = 1 - static_cast<double>(lag) / static_cast<double>(bandwidth + 1);
        variance += (lag == 0 ? 1 : 2) * weight * covariance;
    }
    return std::max(variance, 0.0);
}

}  // namespace

std::optional<Estimate> steady_growth(std::span<const double> seconds,
                                      std::span<const double> bytes) {
    if (seconds.size() < kFewestSamples || seconds.size() != bytes.size()) {
        return std::nullopt;
    }
    const std::span<const double> x = seconds.subspan(seconds.size() / kWarmUpShare);
    const std::span<const double> y = bytes.subspan(bytes.size() / kWarmUpShare);
    const StraightLine line = fit_line(x, y);
    const double mean_x = mean_of(x);
    double squares = 0;
    for (const double moment : x) {
        squares += (moment - mean_x) * (moment - mean_x);
    }
    if (squares <= 0) {
        return std::nullopt;
    }
    std::vector<double> terms(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
        terms[i] = (x[i] - mean_x) * (y[i] - line.intercept - line.slope * x[i]);
    }
    const double error =
        std::sqrt(long_run_variance(terms, terms.size() / kBandwidthShare)) / squares;
    return Estimate{.value = line.slope,
                    .low = line.slope - kCriticalValue * error,
                    .high = line.slope + kCriticalValue * error};
}

}  // namespace palloscope
