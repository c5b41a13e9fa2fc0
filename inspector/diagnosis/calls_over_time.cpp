#include "inspector/diagnosis/calls_over_time.hpp"

#include <algorithm>

namespace palloscope {

namespace {

// With so many the usual time before a look is known to 5 %.
constexpr std::size_t kFewestOfAWindow = 200;
constexpr std::size_t kMostWindows = 20;

// How long before a look each statement began, on average.
std::vector<double> usual_times(std::span<const StatementSighting> seen, std::size_t statements) {
    std::vector<double> sums(statements);
    std::vector<double> numbers(statements);
    for (const auto& [statement, sighting] : seen) {
        sums[statement] += static_cast<double>(sighting.after_ns);
        numbers[statement] += 1;
    }
    std::ranges::transform(sums, numbers, sums.begin(), [](double sum, double number) {
        return number > 0 ? sum / number : 0;
    });
    return sums;
}

}  // namespace

std::vector<double> calls_over_time(std::span<const StatementSighting> seen,
                                    std::size_t statements) {
    const std::vector<double> usual = usual_times(seen, statements);
    const std::size_t windows =
        std::clamp<std::size_t>(seen.size() / kFewestOfAWindow, 1, kMostWindows);
    std::vector<double> calls;
    for (std::size_t window = 0; window < windows; ++window) {
        const std::size_t begin = seen.size() * window / windows;
        const std::size_t end = seen.size() * (window + 1) / windows;
        double gaps = 0;
        double lasted = 0;  // as multiples of what is usual
        for (const auto& [statement, sighting] : seen.subspan(begin, end - begin)) {
            if (usual[statement] > 0) {
                gaps += static_cast<double>(sighting.gap_ns);
                lasted += static_cast<double>(sighting.after_ns) / usual[statement];
            }
        }
        if (gaps <= 0 || lasted <= 0) {
            calls.assign(seen.size(), 1);  // nothing to tell times apart by
            return calls;
        }
        calls.resize(end, gaps / lasted);
    }
    return calls;
}

}  // namespace palloscope
