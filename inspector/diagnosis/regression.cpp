#include "inspector/diagnosis/regression.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>

#include "inspector/diagnosis/dot_product.hpp"
#include "inspector/diagnosis/non_negative.hpp"

namespace palloscope {

namespace {

// What a 95 % interval leaves out at each end.
constexpr double kTail = 0.025;
constexpr int kReplicates = 400;
constexpr std::uint64_t kSeed = 20261123;

NormalEquations normal_equations(const Regression& regression) {
    const std::size_t columns = regression.columns.size();
    NormalEquations equations{.columns = columns,
                              .gram = std::vector<double>(columns * columns),
                              .moments = std::vector<double>(columns)};
    for (std::size_t i = 0; i < columns; ++i) {
        for (std::size_t j = 0; j <= i; ++j) {
            const double product = dot_product(regression.columns[i], regression.columns[j]);
            equations.gram[i * columns + j] = product;
            equations.gram[j * columns + i] = product;
        }
        equations.moments[i] = dot_product(regression.columns[i], regression.response);
    }
    return equations;
}

void leave_noise_out(const Regression& regression, NormalEquations& equations) {
    for (std::size_t i = 0; i < regression.noise.size(); ++i) {
        equations.gram[i * equations.columns + i] -= regression.noise[i];
    }
}

// The normal equations of every run of rows, from running sums: a replicate of the bootstrap then
// costs as many additions as it has runs, however many rows a run has.
class RunSums {
  public:
    explicit RunSums(const Regression& regression);

    // Adds the rows first … first + length − 1 to `equations`.
    void add(std::size_t first, std::size_t length, NormalEquations& equations) const;

  private:
    std::size_t columns_;
    std::size_t stride_;
    // sums_[row * stride_ …]: gram, then moments, of all rows before `row`.
    std::vector<double> sums_;
};

RunSums::RunSums(const Regression& regression)
    : columns_(regression.columns.size()), stride_(columns_ * columns_ + columns_) {
    const std::size_t rows = regression.response.size();
    sums_.assign((rows + 1) * stride_, 0.0);
    for (std::size_t row = 0; row < rows; ++row) {
        const double* const before = &sums_[row * stride_];
        double* const after = &sums_[(row + 1) * stride_];
        for (std::size_t i = 0; i < columns_; ++i) {
            const double left = regression.columns[i][row];
            for (std::size_t j = 0; j < columns_; ++j) {
                const std::size_t at = i * columns_ + j;
                after[at] = before[at] + left * regression.columns[j][row];
            }
            const std::size_t at = columns_ * columns_ + i;
            after[at] = before[at] + left * regression.response[row];
        }
    }
}

void RunSums::add(std::size_t first, std::size_t length, NormalEquations& equations) const {
    const double* const before = &sums_[first * stride_];
    const double* const after = &sums_[(first + length) * stride_];
    const std::size_t gram_size = columns_ * columns_;
    for (std::size_t i = 0; i < gram_size; ++i) {
        equations.gram[i] += after[i] - before[i];
    }
    for (std::size_t i = 0; i < columns_; ++i) {
        equations.moments[i] += after[gram_size + i] - before[gram_size + i];
    }
}

// How much wider an interval from `runs` independent runs and `columns` coefficients must be than a
// normal one: Student's quantile (Cornish and Fisher's expansion) over the normal one, and the
// degrees of freedom that resampling forgets.
double small_sample_factor(double runs, double columns) {
    const double freedom = std::max(runs - columns, 1.0);
    const double z = 1.959964;
    const double z3 = z * z * z;
    const double z5 = z3 * z * z;
    const double student =
        z + (z3 + z) / (4 * freedom) + (5 * z5 + 16 * z3 + 3 * z) / (96 * freedom * freedom);
    return student / z * std::sqrt(std::max(runs, freedom) / freedom);
}

double quantile(std::vector<double>& values, double probability) {
    const double position = probability * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::ptrdiff_t>(position);
    std::ranges::nth_element(values, values.begin() + below);
    const double low = values[static_cast<std::size_t>(below)];
    const double fraction = position - static_cast<double>(below);
    if (fraction == 0.0) {
        return low;
    }
    const double next = *std::min_element(values.begin() + below + 1, values.end());
    return low + fraction * (next - low);
}

// replicates[column] holds the coefficient of that column in every replicate.
std::vector<std::vector<double>> bootstrap(const Regression& regression, std::size_t run_length) {
    const std::size_t rows = regression.response.size();
    const std::size_t columns = regression.columns.size();
    const RunSums sums(regression);
    const std::size_t starts = rows - run_length + 1;
    std::mt19937_64 random(kSeed);
    std::vector<std::vector<double>> replicates(columns);
    for (int replicate = 0; replicate < kReplicates; ++replicate) {
        NormalEquations equations{.columns = columns,
                                  .gram = std::vector<double>(columns * columns),
                                  .moments = std::vector<double>(columns)};
        for (std::size_t drawn = 0; drawn < rows; drawn += run_length) {
            // Not std::uniform_int_distribution: its draws differ between standard libraries.
            sums.add(random() % starts, std::min(run_length, rows - drawn), equations);
        }
        leave_noise_out(regression, equations);
        const std::vector<double> solution = solve_non_negative(equations, regression.free_sign);
        for (std::size_t i = 0; i < columns; ++i) {
            replicates[i].push_back(solution[i]);
        }
    }
    return replicates;
}

}  // namespace

std::vector<double> residuals(const Regression& regression,
                              const std::vector<double>& coefficients) {
    std::vector<double> left = regression.response;
    for (std::size_t i = 0; i < coefficients.size(); ++i) {
        for (std::size_t row = 0; row < left.size(); ++row) {
            left[row] -= coefficients[i] * regression.columns[i][row];
        }
    }
    return left;
}

Fit fit(const Regression& regression) {
    NormalEquations equations = normal_equations(regression);
    leave_noise_out(regression, equations);
    Fit result{.coefficients = solve_non_negative(equations, regression.free_sign)};
    const std::vector<double> left = residuals(regression, result.coefficients);
    result.squares_left = dot_product(left, left);
    for (std::size_t i = 0; i < regression.noise.size(); ++i) {
        const double coefficient = result.coefficients[i];
        result.squares_of_noise += coefficient * coefficient * regression.noise[i];
    }
    return result;
}

std::vector<Estimate> fit_with_intervals(const Regression& regression) {
    NormalEquations equations = normal_equations(regression);
    leave_noise_out(regression, equations);
    const std::vector<double> coefficients = solve_non_negative(equations, regression.free_sign);
    std::vector<Estimate> estimates;
    const std::size_t rows = regression.response.size();
    if (rows == 0) {
        return std::vector<Estimate>(coefficients.size());
    }
    const auto run_length =
        std::max<std::size_t>(1, static_cast<std::size_t>(std::cbrt(static_cast<double>(rows))));
    const double runs = static_cast<double>(rows) / static_cast<double>(run_length);
    const double factor = small_sample_factor(runs, static_cast<double>(coefficients.size()));
    std::vector<std::vector<double>> replicates = bootstrap(regression, run_length);
    for (std::size_t i = 0; i < coefficients.size(); ++i) {
        const double value = coefficients[i];
        const double low = std::min(quantile(replicates[i], kTail), value);
        const double high = std::max(quantile(replicates[i], 1 - kTail), value);
        const double widened = value - factor * (value - low);
        estimates.push_back({.value = value,
                             .low = regression.free_sign[i] ? widened : std::max(widened, 0.0),
                             .high = value + factor * (high - value)});
    }
    return estimates;
}

}  // namespace palloscope
