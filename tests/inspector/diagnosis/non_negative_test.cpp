#include "inspector/diagnosis/non_negative.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace palloscope {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;

TEST(NonNegativeLeastSquares, SolvesWhatHasAPositiveSolution) {
    // x = (2, 3) of [2 1; 1 3] x = (7, 11).
    const NormalEquations equations{.columns = 2, .gram = {2, 1, 1, 3}, .moments = {7, 11}};
    EXPECT_THAT(solve_non_negative(equations, {false, false}),
                ElementsAre(DoubleNear(2, 1e-6), DoubleNear(3, 1e-6)));
}

TEST(NonNegativeLeastSquares, KeepsANegativeCoefficientAtZeroAndFitsTheOthersAnew) {
    // Unrestricted: (5, -1). With the second at zero: 4 x = 18.
    const NormalEquations equations{.columns = 2, .gram = {4, 2, 2, 3}, .moments = {18, 7}};
    EXPECT_THAT(solve_non_negative(equations, {false, false}),
                ElementsAre(DoubleNear(4.5, 1e-6), DoubleNear(0, 1e-12)));
}

TEST(NonNegativeLeastSquares, LeavesColumnsOfFreeSignNegative) {
    const NormalEquations equations{.columns = 2, .gram = {4, 2, 2, 3}, .moments = {18, 7}};
    EXPECT_THAT(solve_non_negative(equations, {false, true}),
                ElementsAre(DoubleNear(5, 1e-6), DoubleNear(-1, 1e-6)));
}

TEST(NonNegativeLeastSquares, GivesAColumnOfZerosNothing) {
    const NormalEquations equations{.columns = 2, .gram = {4, 0, 0, 0}, .moments = {8, 0}};
    EXPECT_THAT(solve_non_negative(equations, {false, false}),
                ElementsAre(DoubleNear(2, 1e-6), 0.0));
}

TEST(NonNegativeLeastSquares, SharesTheWholeBetweenColumnsThatAreEqual) {
    const NormalEquations equations{.columns = 2, .gram = {4, 4, 4, 4}, .moments = {8, 8}};
    const std::vector<double> solution = solve_non_negative(equations, {false, false});
    EXPECT_NEAR(solution[0] + solution[1], 2, 1e-6);
}

TEST(NonNegativeLeastSquares, OfNothingIsNothing) {
    EXPECT_TRUE(solve_non_negative({}, {}).empty());
}

}  // namespace
}  // namespace palloscope
