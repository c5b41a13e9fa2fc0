#include "inspector/model/pid_list.hpp"

#include <cstddef>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace palloscope {

std::string pid_list(const std::vector<int>& pids) {
    constexpr std::ptrdiff_t kMost = 8;
    if (std::ssize(pids) <= kMost) {
        return fmt::format("{}", fmt::join(pids, ", "));
    }
    return fmt::format("{} and {} more",
                       fmt::join(pids.begin(), pids.begin() + kMost, ", "),
                       std::ssize(pids) - kMost);
}

}  // namespace palloscope
