#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

namespace palloscope::workload {

// The randomness of one client: the same seed gives the same sequence. Not thread-safe, not secret.
class Random {
  public:
    explicit Random(std::uint64_t seed) : engine_(seed) {}

    // A number from 0 to `bound` - 1; `bound` is at least 1.
    [[nodiscard]] std::size_t below(std::size_t bound);

    // So many lower-case hexadecimal digits.
    [[nodiscard]] std::string hex(std::size_t digits);

  private:
    std::mt19937_64 engine_;
};

// A seed that differs from run to run.
[[nodiscard]] std::uint64_t random_seed();

}  // namespace palloscope::workload
