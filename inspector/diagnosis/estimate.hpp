#pragma once

namespace palloscope {

// A value with an interval that holds the truth with 95 % confidence.
struct Estimate {
    double value = 0;
    double low = 0;
    double high = 0;

    bool operator==(const Estimate&) const = default;
};

// By a factor above zero.
[[nodiscard]] inline Estimate operator*(const Estimate& estimate, double factor) {
    return {.value = estimate.value * factor,
            .low = estimate.low * factor,
            .high = estimate.high * factor};
}

}  // namespace palloscope
