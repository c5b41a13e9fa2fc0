#include "inspector/diagnosis/non_negative.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include <Eigen/Cholesky>
#include <Eigen/Core>

namespace palloscope {

namespace {

// On columns of unit length: a ridge that keeps equal columns solvable, and the gradient below
// which a column is taken to add nothing.
constexpr double kRidge = 1e-11;
constexpr double kGradientTolerance = 1e-10;

// The problem with every column scaled to unit length, and the state of the active set method.
class ActiveSet {
  public:
    ActiveSet(const NormalEquations& equations, const std::vector<bool>& free_sign);

    [[nodiscard]] std::vector<double> solve();

  private:
    [[nodiscard]] bool admissible(Eigen::Index column) const { return scale_(column) > 0; }

    // The column outside the set along which the error falls most.
    [[nodiscard]] std::optional<Eigen::Index> steepest() const;
    // The least-squares solution over the set, zero elsewhere.
    [[nodiscard]] Eigen::VectorXd solve_set() const;
    // Moves towards the solution over the set, as far as no coefficient turns negative; drops from
    // the set what became zero. Tells whether the solution was reached.
    bool advance();

    Eigen::MatrixXd gram_;
    Eigen::VectorXd moments_;
    Eigen::VectorXd scale_;
    std::vector<bool> free_sign_;
    std::vector<bool> in_set_;
    Eigen::VectorXd solution_;
};

ActiveSet::ActiveSet(const NormalEquations& equations, const std::vector<bool>& free_sign)
    : free_sign_(free_sign), in_set_(free_sign) {
    const auto size = static_cast<Eigen::Index>(equations.columns);
    gram_ = Eigen::Map<const Eigen::MatrixXd>(equations.gram.data(), size, size);
    moments_ = Eigen::Map<const Eigen::VectorXd>(equations.moments.data(), size);
    scale_ = gram_.diagonal().cwiseMax(0.0).cwiseSqrt();
    for (Eigen::Index i = 0; i < size; ++i) {
        const double factor = admissible(i) ? 1.0 / scale_(i) : 0.0;
        gram_.row(i) *= factor;
        gram_.col(i) *= factor;
        moments_(i) *= factor;
        if (!admissible(i)) {
            in_set_[static_cast<std::size_t>(i)] = false;
        }
    }
    solution_ = Eigen::VectorXd::Zero(size);
}

std::optional<Eigen::Index> ActiveSet::steepest() const {
    const Eigen::VectorXd gradient = moments_ - gram_ * solution_;
    const double tolerance = kGradientTolerance * moments_.cwiseAbs().maxCoeff();
    std::optional<Eigen::Index> best;
    for (Eigen::Index i = 0; i < gradient.size(); ++i) {
        if (in_set_[static_cast<std::size_t>(i)] || !admissible(i) || gradient(i) <= tolerance) {
            continue;
        }
        if (!best || gradient(i) > gradient(*best)) {
            best = i;
        }
    }
    return best;
}

Eigen::VectorXd ActiveSet::solve_set() const {
    std::vector<Eigen::Index> set;
    for (Eigen::Index i = 0; i < moments_.size(); ++i) {
        if (in_set_[static_cast<std::size_t>(i)]) {
            set.push_back(i);
        }
    }
    Eigen::VectorXd full = Eigen::VectorXd::Zero(moments_.size());
    if (set.empty()) {
        return full;
    }
    Eigen::MatrixXd gram = gram_(set, set);
    gram.diagonal().array() += kRidge;
    const Eigen::VectorXd moments = moments_(set);
    const Eigen::VectorXd solved = gram.ldlt().solve(moments);
    full(set) = solved;
    return full;
}

bool ActiveSet::advance() {
    const Eigen::VectorXd target = solve_set();
    double step = 1.0;
    for (Eigen::Index i = 0; i < target.size(); ++i) {
        const auto at = static_cast<std::size_t>(i);
        if (in_set_[at] && !free_sign_[at] && target(i) <= 0) {
            const double distance = solution_(i) - target(i);
            step = std::min(step, distance > 0 ? solution_(i) / distance : 0.0);
        }
    }
    solution_ += step * (target - solution_);
    bool reached = true;
    for (Eigen::Index i = 0; i < target.size(); ++i) {
        const auto at = static_cast<std::size_t>(i);
        if (in_set_[at] && !free_sign_[at] && target(i) <= 0 && solution_(i) <= 1e-12) {
            in_set_[at] = false;
            solution_(i) = 0;
            reached = false;
        }
    }
    return reached || step >= 1.0;
}

std::vector<double> ActiveSet::solve() {
    // Each round of the method lowers the error, so it ends; the bound is for rounding errors.
    const auto rounds = 3 * moments_.size() + 3;
    solution_ = Eigen::VectorXd::Zero(moments_.size());
    for (Eigen::Index round = 0; round < rounds; ++round) {
        for (Eigen::Index inner = 0; inner < rounds && !advance(); ++inner) {
        }
        const std::optional<Eigen::Index> next = steepest();
        if (!next) {
            break;
        }
        in_set_[static_cast<std::size_t>(*next)] = true;
    }
    std::vector<double> result(static_cast<std::size_t>(moments_.size()), 0.0);
    for (Eigen::Index i = 0; i < moments_.size(); ++i) {
        if (admissible(i)) {
            result[static_cast<std::size_t>(i)] = solution_(i) / scale_(i);
        }
    }
    return result;
}

}  // namespace

std::vector<double> solve_non_negative(const NormalEquations& equations,
                                       const std::vector<bool>& free_sign) {
    if (equations.columns == 0) {
        return {};
    }
    return ActiveSet(equations, free_sign).solve();
}

}  // namespace palloscope
