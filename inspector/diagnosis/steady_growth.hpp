#pragma once

#include <optional>
#include <span>

#include "inspector/diagnosis/estimate.hpp"

namespace palloscope {

// By how much `bytes` rise per second in the long run, with its 95 % interval, judged on what comes
// after the first third: the warm-up. None for fewer than 30 samples. `seconds` rise and have the
// same length.
//
// The slope of the least-squares line. Memory that is given up again and again draws teeth of a
// saw, each rise of which is as straight as a leak; so the standard error is Newey and West's
// (1987) for residuals that hang together, with the bandwidth at a fifth of the samples, and the
// critical value is the one that such a fixed share asks for (Kiefer and Vogelsang 2005). We
// simulated it for a trend of 160 samples: 3.1 covers independent noise at 95 %; noise that
// remembers 0.8 of itself from sample to sample is covered at 91 %, teeth of a saw at 99 %.
[[nodiscard]] std::optional<Estimate> steady_growth(std::span<const double> seconds,
                                                    std::span<const double> bytes);

}  // namespace palloscope
