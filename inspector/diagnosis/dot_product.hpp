#pragma once

#include <numeric>
#include <vector>

namespace palloscope {

// Of two series of one length.
[[nodiscard]] inline double dot_product(const std::vector<double>& a,
                                        const std::vector<double>& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

}  // namespace palloscope
