#include "workload/random.hpp"

#include <string_view>

namespace palloscope::workload {

std::size_t Random::below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(engine_);
}

std::string Random::hex(std::size_t digits) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text(digits, '0');
    for (char& digit : text) {
        digit = kDigits[below(kDigits.size())];
    }
    return text;
}

std::uint64_t random_seed() {
    std::random_device device;
    return (std::uint64_t{device()} << 32U) | device();
}

}  // namespace palloscope::workload
