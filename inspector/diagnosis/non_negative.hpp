#pragma once

#include <cstddef>
#include <vector>

namespace palloscope {

// A least-squares problem in its normal form: gram = XᵀX, row-major, columns × columns;
// moments = Xᵀy.
struct NormalEquations {
    std::size_t columns = 0;
    std::vector<double> gram;
    std::vector<double> moments;
};

// The coefficients that minimise |Xb − y|² with b[i] ≥ 0 wherever free_sign[i] is false: the active
// set method of Lawson and Hanson, "Solving Least Squares Problems", chapter 23, on the normal
// equations. Columns of zeros get 0; of columns that equal each other one gets it all.
[[nodiscard]] std::vector<double> solve_non_negative(const NormalEquations& equations,
                                                     const std::vector<bool>& free_sign);

}  // namespace palloscope
