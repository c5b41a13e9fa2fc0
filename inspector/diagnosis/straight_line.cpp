#include "inspector/diagnosis/straight_line.hpp"

#include <cmath>
#include <cstddef>
#include <numeric>

namespace palloscope {

double mean_of(std::span<const double> values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

StraightLine fit_line(std::span<const double> x, std::span<const double> y) {
    const double mean_x = mean_of(x);
    const double mean_y = mean_of(y);
    double xx = 0;
    double xy = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        xx += (x[i] - mean_x) * (x[i] - mean_x);
        xy += (x[i] - mean_x) * (y[i] - mean_y);
    }
    StraightLine line;
    line.slope = xx > 0 ? xy / xx : 0.0;
    line.intercept = mean_y - line.slope * mean_x;
    double squares = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double left = y[i] - line.intercept - line.slope * x[i];
        squares += left * left;
    }
    line.scatter = std::sqrt(squares / static_cast<double>(x.size()));
    return line;
}

}  // namespace palloscope
