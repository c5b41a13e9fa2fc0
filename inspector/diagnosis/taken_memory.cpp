#include "inspector/diagnosis/taken_memory.hpp"

#include <span>
#include <vector>

#include "inspector/diagnosis/trend.hpp"

namespace palloscope {

Estimate rate_of_taking(const BackendHistory& backend,
                        const SnapshotChoice& choice,
                        std::size_t first,
                        std::size_t end,
                        const Estimate& of_contexts) {
    std::vector<double> pages;
    for (std::size_t i = first; i < end; ++i) {
        pages.push_back(static_cast<double>(backend.snapshots[choice.indices[i]].rss_anon_bytes));
    }
    const Estimate of_pages =
        judge_growth(std::span(choice.seconds).subspan(first, end - first), pages).bytes_per_second;
    return of_pages.low > 0 && of_pages.value > of_contexts.value ? of_pages : of_contexts;
}

Estimate together(const Estimate& rate, const Estimate& other) {
    return {.value = rate.value + other.value,
            .low = rate.low + other.low,
            .high = rate.high + other.high};
}

Estimate seconds_until_taken(std::int64_t bytes, const Estimate& rate) {
    const auto left = static_cast<double>(bytes);
    return {.value = left / rate.value, .low = left / rate.high, .high = left / rate.low};
}

}  // namespace palloscope
