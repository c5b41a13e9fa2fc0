#pragma once

#include <compare>
#include <cstdint>

namespace palloscope {

// An address in another process; it can't be mistaken for one of ours, nor dereferenced.
struct RemoteAddress {
    std::uint64_t value = 0;

    // clang-tidy 14 takes the zero that it is compared with for a pointer.
    auto operator<=>(const RemoteAddress&) const = default;  // NOLINT(modernize-use-nullptr)

    [[nodiscard]] bool is_null() const noexcept { return value == 0; }
};

[[nodiscard]] constexpr RemoteAddress operator+(RemoteAddress address,
                                                std::uint64_t bytes) noexcept {
    return {address.value + bytes};
}

[[nodiscard]] constexpr RemoteAddress operator-(RemoteAddress address,
                                                std::uint64_t bytes) noexcept {
    return {address.value - bytes};
}

[[nodiscard]] constexpr std::uint64_t operator-(RemoteAddress left, RemoteAddress right) noexcept {
    return left.value - right.value;
}

}  // namespace palloscope
