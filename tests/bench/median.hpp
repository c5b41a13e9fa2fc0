#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace palloscope::test {

// The upper one of two. There is one value at least.
template <typename T>
T median(std::vector<T> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

}  // namespace palloscope::test
